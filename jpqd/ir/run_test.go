package ir

import (
	"strconv"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

func TestRunRefuses(t *testing.T) {
	m := writeAndRead(t, testmodel.Named("int8", 1))
	good := func() map[string]*Tensor {
		return batch(sequence{[]int64{1, 2}, []int64{0, 1}})
	}
	for _, test := range []struct {
		want   string
		change func(map[string]*Tensor)
	}{
		{`input "attention_mask": not given`, func(in map[string]*Tensor) { delete(in, "attention_mask") }},
		{`input "position_ids": not of the model, whose inputs are ["input_ids" "attention_mask" "token_type_ids"]`, func(in map[string]*Tensor) { in["position_ids"] = list(1) }},
		{`input "input_ids": found i32 of shape [1 2], want i64 of shape [? ?]`, func(in map[string]*Tensor) { in["input_ids"].Type = I32 }},
		{`input "input_ids": found i64 of shape [2], want i64 of shape [? ?]`, func(in map[string]*Tensor) { in["input_ids"].Shape = []int{2} }},
		{"found 0 F32 and 2 I64 elements, want 0 and 3", func(in map[string]*Tensor) { in["input_ids"].Shape = []int{1, 3} }},
		{"found dimension -2", func(in map[string]*Tensor) { in["input_ids"].Shape = []int{1, -2} }},
		{`bert.embeddings.word_embeddings" (Gather of opset8): index: found 29, want one below 29`, func(in map[string]*Tensor) { in["input_ids"].I64[0] = 29 }},
		{`bert.embeddings/add_1" (Add of opset1): shapes`, func(in map[string]*Tensor) { // one token more than there are positions
			for name := range in {
				in[name] = integers([]int{1, 13}, make([]int64, 13)...)
			}
		}},
	} {
		in := good()
		test.change(in)
		if _, err := m.Run(in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("found error %v, want %q", err, test.want)
		}
	}
	if _, err := m.run(good(), 1000); err == nil || !strings.Contains(err.Error(), "want at most 1000 elements") {
		t.Errorf("limit: found error %v", err)
	}
	if _, err := m.Run(good()); err != nil {
		t.Errorf("found error %v for good inputs", err)
	}
}

// Every tensor has the type and shape that the ports in the file say.
func TestPortsSayTheTruth(t *testing.T) {
	for name, v := range testmodel.Variants {
		g, err := newEncoder(testmodel.New(v, 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		nodes := g.nodes
		for _, n := range nodes {
			switch {
			case n.kind == "Result" || strings.HasSuffix(n.tensor, "logits"):
			case n.kind == "Parameter":
				tensor := n.tensor
				g.result("t"+strconv.Itoa(n.id), n)
				n.tensor = tensor + "," + n.tensor
			default:
				g.result("t"+strconv.Itoa(n.id), n)
			}
		}
		var bin binFile
		text, err := g.document(&bin)
		if err != nil {
			t.Fatal(err)
		}
		var data strings.Builder
		if err := bin.encode(&data); err != nil {
			t.Fatal(err)
		}
		m, err := parse([]byte(strings.ReplaceAll(string(text), `\,`, ",")), []byte(data.String()))
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Run(inputsOf(m, sequence{[]int64{1, 2, 3}, []int64{0, 1, 1}}, sequence{[]int64{4, 5}, []int64{0, 0}}))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			got := out["t"+strconv.Itoa(n.id)]
			if strings.HasSuffix(n.tensor, "logits") {
				got = out[n.tensor]
			} else if n.kind == "Result" {
				continue
			}
			var dims []bounds
			for _, d := range n.dims {
				dims = append(dims, bounds{max(d, 0), d})
			}
			if got.Type != n.typ || !fits(got.Shape, dims) {
				t.Errorf("%s: %s: found %s of shape %v, ports say %s of shape %v", name, n.name, got.Type, got.Shape, n.typ, n.dims)
			}
		}
	}
}

// A small file cannot ask for much memory.
func TestRunIsBounded(t *testing.T) {
	g := newGraph("doubling", F32)
	x := g.convert("float", g.parameter("input_ids", I64, dynamic, dynamic), F32)
	for i := range 60 {
		x = g.add(&node{
			name: "twice" + strconv.Itoa(i), kind: "Concat", opset: "opset1", inputs: []*node{x, x}, typ: F32, dims: []int{dynamic, dynamic},
			attributes: attributes("axis", "0"),
		})
	}
	g.result("logits", x)
	var bin binFile
	text, err := g.document(&bin)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(text, bin.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*Tensor{"input_ids": {Type: I64, Shape: []int{1, 3}, I64: []int64{1, 2, 3}}}
	if _, err := m.Run(in); err == nil || !strings.Contains(err.Error(), "want at most 1048576 ") {
		t.Errorf("found error %v, want one about 1048576 elements", err)
	}
}

// Results do not depend on who else runs the model.
func TestRunAtTheSameTime(t *testing.T) {
	m := writeAndRead(t, testmodel.Named("int8 products", 2))
	in := batch(sequence{[]int64{1, 2, 3}, []int64{0, 1, 1}})
	want := runLogits(t, m, in)
	done := make(chan *Tensor)
	for range 4 {
		go func() {
			out, err := m.Run(in)
			if err != nil {
				t.Error(err)
			}
			done <- out["logits"]
		}()
	}
	for range 4 {
		got := <-done
		for i := range want.F32 {
			if got.F32[i] != want.F32[i] {
				t.Errorf("found %v, want %v", got.F32, want.F32)
			}
		}
	}
}

func BenchmarkRun(b *testing.B) {
	m := writeAndRead(b, testmodel.Named("int8", 1))
	s := sequence{make([]int64, 12), make([]int64, 12)}
	in := batch(s, s, s, s)
	for b.Loop() {
		if _, err := m.Run(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(4*float64(b.N)/b.Elapsed().Seconds(), "sequences/s")
}
