package ir

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// chain is a model of count operations, one after the other, with the given
// children before their input, and of layers beside each.
func chain(count int, data string, beside func(i int) string) string {
	layers := repeat(count, func(i int) string {
		return fmt.Sprintf(`<layer id="%d" name="%d" type="ReLU" version="opset1">%s<input><port id="0"/></input><output><port id="1" precision="I8"/></output></layer>`, i+2, i, data) + beside(i)
	})
	edges := repeat(count-1, func(i int) string { return edge(i+2, 1, i+3, 0) })
	return document(aParameter+aResult+layers, edge(0, 0, 2, 0)+edges+edge(count+1, 1, 1, 0))
}

func edge(from, fromPort, to, toPort int) string {
	return fmt.Sprintf(`<edge from-layer="%d" from-port="%d" to-layer="%d" to-port="%d"/>`, from, fromPort, to, toPort)
}

func nothing(int) string { return "" }

// largeFiles are what takes most memory for its size: much of the smallest things
// that the reader keeps or has to look at. An error is told by a part of it, ""
// stands for a model.
func largeFiles() map[string]struct{ text, err string } {
	const none = "found no Result"
	attribute := func(i int) string { return fmt.Sprintf(` %c%c=""`, 'a'+i/26, 'a'+i%26) }
	constants := func(i int) string {
		shape := strings.TrimSuffix(strings.Repeat("1,", maxRank), ",")
		return fmt.Sprintf(`<layer id="%d" name="c%d" type="Const" version="opset1"><data element_type="i8" shape="%s" offset="0" size="1"/><output><port id="0" precision="I8"/></output></layer>`, 1000000+i, i, shape)
	}
	const sums = 10000
	return map[string]struct{ text, err string }{
		"layers with an input": {document(repeat(60000, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="A" version=""><input><port id="0"/></input></layer>`, i, i)
		}), ""), none},
		"layers with an output": {document(repeat(60000, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="A" version=""><output><port id="0" precision="I8"/></output></layer>`, i, i)
		}), ""), none},
		"layers with many inputs": {document(repeat(800, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="A" version=""><input>`, i, i) +
				repeat(maxPorts, func(p int) string { return fmt.Sprintf(`<port id="%d"/>`, p) }) + `</input></layer>`
		}), ""), none},
		"layers with many outputs": {document(repeat(400, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="A" version=""><output>`, i, i) +
				repeat(maxPorts, func(p int) string { return fmt.Sprintf(`<port id="%d" precision="i8"/>`, p) }) + `</output></layer>`
		}), ""), none},
		"layers without ports":  {document(strings.Repeat(`<layer id="0" name="" type="" version=""/>`, 100000), ""), "found no inputs"},
		"chain":                 {chain(20000, "", nothing), ""},
		"chain with attributes": {chain(8000, "<data"+repeat(maxAttributes, attribute)+"/>", nothing), ""},
		"chain with metadata":   {chain(8000, "<rt_info>"+strings.Repeat("<a/>", 100)+"</rt_info>", nothing), ""},
		"sums with constants": {strings.NewReplacer("ReLU", "Add", `<port id="0"/></input><output><port id="1"`, `<port id="0"/><port id="2"/></input><output><port id="1"`,
			"</edges>", repeat(sums, func(i int) string { return edge(1000000+i, 0, i+2, 2) })+"</edges>").Replace(chain(sums, "", constants)), ""},
		"names": {document(repeat(20000, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="A" version=""><output><port id="0" precision="I8" names="%s"/></output></layer>`, i, i, strings.Repeat(",", maxNames-1))
		}), ""), none},
		"names of inputs": {document(repeat(maxInputs, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x" type="Parameter" version=""><data element_type="i8" shape="1"/><output><port id="0" precision="I8" names="%s"/></output></layer>`,
				i+2, i, strings.TrimSuffix(repeat(maxNames, func(n int) string { return fmt.Sprintf("%x,", i*maxNames+n) }), ","))
		})+`<layer id="1" name="y" type="Result" version=""><input><port id="0"/></input></layer>`, edge(2, 0, 1, 0)), ""},
		"entities": {document(repeat(100, func(i int) string {
			return fmt.Sprintf(`<layer id="%d" name="%x%s" type="A" version=""><input><port id="0"/></input></layer>`, i, i, strings.Repeat("&#x10000;", 5000))
		}), ""), none},
		"elements":     {`<net version="11">` + strings.Repeat("<a/>", 1000000) + `</net>`, none},
		"text":         {`<net version="11">` + strings.Repeat("a", 4000000) + `</net>`, none},
		"comment":      {`<!--` + strings.Repeat("<layer>", 600000) + `--><net version="11"/>`, none},
		"long version": {`<net version="` + strings.Repeat("1", 4000000) + `"/>`, "net version: found"},
		"long shape":   {document(strings.Replace(aParameter, `"1"`, `"`+strings.Repeat("1,", 2000000)+`"`, 1)+aResult, anEdge), "dimensions, want at most 32"},
		"edges":        {document(aParameter+aResult, strings.Repeat(anEdge, 60000)), "has an edge already"},
	}
}

// allocated is how many bytes f takes from the heap, those given back included:
// at no moment has it more.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Reading takes at most four times the bytes of the files, and a constant.
func TestReadMemory(t *testing.T) {
	const constant = 2 << 20
	for name, test := range largeFiles() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.xml")
			if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(strings.TrimSuffix(path, "xml")+"bin", []byte{0}, 0o644); err != nil {
				t.Fatal(err)
			}
			var m *Model
			var err error
			begin := time.Now()
			bytes := allocated(func() { m, err = Read(path) })
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("found %v and error %v, want error %q", m != nil, err, test.err)
			}
			t.Logf("%d bytes of XML: %.2f times as many taken in %v", len(test.text), float64(bytes)/float64(len(test.text)), time.Since(begin))
			if limit := 4*uint64(len(test.text)) + constant; bytes > limit {
				t.Errorf("%d bytes of XML: found %d bytes taken, want at most %d", len(test.text), bytes, limit)
			}
		})
	}
}

// A model of the size of BERT-base: most of the time is the file system's.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "m.xml")
	text := chain(2000, "", nothing)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	bin := make([]byte, 110<<20)
	if err := os.WriteFile(strings.TrimSuffix(path, "xml")+"bin", bin, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text) + len(bin)))
	for b.Loop() {
		if _, err := Read(path); err != nil {
			b.Fatal(err)
		}
	}
}
