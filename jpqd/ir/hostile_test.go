package ir

import (
	"fmt"
	"strings"
	"testing"
)

// document is a file of the given layers and edges, in the shortest spelling.
func document(layers, edges string) string {
	return `<net version="11"><layers>` + layers + `</layers><edges>` + edges + `</edges></net>`
}

// repeat is count texts that f makes.
func repeat(count int, f func(i int) string) string {
	var text strings.Builder
	for i := range count {
		text.WriteString(f(i))
	}
	return text.String()
}

// around is a text that looks well-formed, of an element that holds itself.
func around(element string, depth int) string {
	return strings.Repeat("<"+element+">", depth) + strings.Repeat("</"+element+">", depth)
}

const (
	aParameter = `<layer id="0" name="x" type="Parameter" version="opset1"><data element_type="f32" shape="1"/><output><port id="0" precision="FP32"/></output></layer>`
	aResult    = `<layer id="1" name="y" type="Result" version="opset1"><input><port id="0"/></input></layer>`
	anEdge     = `<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>`
)

// hostileFiles are refused each with an error that has a part as told.
func hostileFiles() []struct{ name, text, want string } {
	port := func(i int) string { return fmt.Sprintf(`<port id="%d" precision="I8"/>`, i) }
	return []struct{ name, text, want string }{
		{"empty", "", "unexpected EOF, want <net>"},
		{"no XML", "net", `XML: line 1: found "net", want nothing outside`},
		{"binary", "<net\x00>", `found "\x00>", want characters of XML`},
		{"not UTF-8", "<net name=\"\xff\">", `found "\xff\">", want characters of XML`},
		{"half a surrogate", `<net name="&#xd800;">`, "want white space and an attribute"},
		{"no character", `<net name="&#0;">`, "want white space and an attribute"},
		{"entity of none", `<net name="&name;">`, "want white space and an attribute"},
		{"entity without end", `<net version="11">&amp`, "want text with known entities"},
		{"entities defined", `<!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net name="&b;"/>`, `line 1: found "<!DOCTYPE net [<!ENT", want no declarations`},
		{"external entity", "\n<!DOCTYPE net SYSTEM \"file:///etc/passwd\"><net/>", `line 2: found "<!DOCTYPE net SYSTEM"`},
		{"declaration inside", `<net version="11"><!ELEMENT a></net>`, "want no declarations"},
		{"comment without end", `<net version="11"><!-- </net>`, "want <!-- ... -->"},
		{"instruction without end", `<?xml version="1.0"`, "want <? ... ?>"},
		{"CDATA outside", `<![CDATA[<net/>]]>`, "want no declarations"},
		{"tag without end", `<net version="11"`, "unexpected EOF"},
		{"value without end", `<net version="11>`, "want white space and an attribute"},
		{"tag in a value", `<net version="<">`, "want white space and an attribute"},
		{"value without quotes", `<net version=11>`, "want white space and an attribute"},
		{"attributes that touch", `<net version="11"name="a">`, "want white space and an attribute"},
		{"attribute twice", `<net version="11" version="10">`, `found attribute "version" of <net> twice`},
		{"ends crossed", `<net version="11"><a><b></a></b></net>`, `found "</a></b></net>", want </b>`},
		{"end too many", `<net version="11"></net></net>`, "want an element that began"},
		{"text behind", `<net version="11"></net>11`, "want nothing outside of the root element"},
		{"other namespace", `<ov:net xmlns:ov="net" version="11"></ov:net>`, "found the root element <ov:net>, want <net>"},
		{"layer of another namespace", document(`<a:layer xmlns:a="layer"/>`, ""), "found <a:layer> in <layers>, want <layer>"},
		{"deep", `<net version="11">` + around("rt_info", 100) + `</net>`, "found more than 64 elements inside each other"},
		{"a million deep", strings.Repeat("<net>", 1000000), "net version"},
		{"a million deep inside", `<net version="11">` + strings.Repeat("<a>", 1000000), "found more than 64 elements"},
		{"attributes", document(`<layer `+repeat(100000, func(i int) string { return fmt.Sprintf(` a%d=""`, i) })+`/>`, ""), "found more than 64 attributes of <layer>"},
		{"attributes of what is skipped", `<net version="11"><a` + repeat(100, func(i int) string { return fmt.Sprintf(` a%d=""`, i) }) + `/></net>`, "found more than 64 attributes of <a>"},
		{"second layers", document("", "") + "<net/>", "second root"},
		{"layers twice", `<net version="11"><layers/><layers/></net>`, "found another <layers>"},
		{"edges first", `<net version="11"><edges/><layers/></net>`, "found another <layers>"},
		{"edges twice", `<net version="11"><layers/><edges/><edges/></net>`, "found another <edges>"},
		{"nothing", document("", ""), "found no Result layer"},
		{"data twice", document(strings.Replace(aParameter, "<output>", "<data/><output>", 1), ""), `layer 0 "x" (Parameter of opset1): found a second <data>`},
		{"input twice", document(strings.Replace(aResult, "</layer>", "<input/></layer>", 1), ""), "found a second <input>"},
		{"no port", document(aParameter+strings.Replace(aResult, "<port ", "<portal ", 1), anEdge), "found <portal> among the ports, want <port>"},
		{"no ports", document(`<layer id="0" name="a" type="Sink" version="opset1"/>`, ""), `layer 0 "a" (Sink of opset1): found no inputs and no outputs`},
		{"ports", document(`<layer id="0" name="a" type="Split" version="opset1"><output>`+repeat(1000, port)+`</output></layer>`, ""), `layer 0 "a" (Split of opset1): found more than 512 output ports`},
		{"inputs", document(`<layer id="0" name="a" type="Concat" version="opset1"><input>`+repeat(1000, port)+`</input></layer>`, ""), "found more than 512 input ports"},
		{"port twice", document(`<layer id="0" name="a" type="Split" version="opset1"><output>`+port(1)+port(1)+`</output></layer>`, ""), "output port 1: found twice"},
		{"port number", document(`<layer id="0" name="a" type="Split" version="opset1"><output><port id="2147483648"/></output></layer>`, ""), `output port id: found "2147483648"`},
		{"dims", document(`<layer id="0" name="a" type="Add" version="opset1"><input><port id="0">`+strings.Repeat("<dim>1</dim>", 40)+`</port></input></layer>`, ""), "input port 0: found more than 32 dimensions"},
		{"dim", document(`<layer id="0" name="a" type="Add" version="opset1"><input><port id="0"><dim>-2</dim></port></input></layer>`, ""), `input port 0: dim: found "-2", want a number of at least -1`},
		{"dim in a dim", document(`<layer id="0" name="a" type="Add" version="opset1"><input><port id="0"><dim><dim/></dim></port></input></layer>`, ""), "found <dim> in <dim>, want text"},
		{"names", document(strings.Replace(aParameter, "FP32\"", `FP32" names="`+strings.Repeat("a,", 1000)+`"`, 1), ""), "names of output port 0: found 1001, want at most 32"},
		{"inputs of a model", document(repeat(1000, func(i int) string {
			return strings.NewReplacer(`"0"`, fmt.Sprintf(`"%d"`, i), `"x"`, fmt.Sprintf(`"%d"`, i)).Replace(aParameter)
		}), ""), "found more than 512 such layers"},
		{"outputs of a model", document(repeat(1000, func(i int) string { return strings.Replace(aResult, `"1"`, fmt.Sprintf(`"%d"`, i), 1) }), ""), "found more than 512 such layers"},
		{"rank", document(strings.Replace(aParameter, `shape="1"`, `shape="1`+strings.Repeat(",1", 100000)+`"`, 1)+aResult, anEdge), `shape: found 100001 dimensions, want at most 32`},
		{"long name", document(`<layer id="0" name="`+strings.Repeat("a", 1<<20)+`" type="Sink" version="opset1"/>`, ""), `aaa" (Sink of opset1): found no inputs`},
		{"layer id", document(strings.Replace(aParameter, `"0"`, `"9223372036854775808"`, 1), ""), `layer id: found "9223372036854775808"`},
		{"itself", document(aParameter+`<layer id="2" name="a" type="ReLU" version="opset1"><input><port id="0"/></input><output><port id="1" precision="FP32"/></output></layer>`+aResult,
			`<edge from-layer="2" from-port="1" to-layer="2" to-port="0"/><edge from-layer="2" from-port="1" to-layer="1" to-port="0"/>`), `layer 2 "a" (ReLU of opset1): depends on itself`},
		{"result of a result", document(aParameter+strings.Replace(aResult, "</layer>", `<output><port id="1" precision="FP32"/></output></layer>`, 1), `<edge from-layer="1" from-port="1" to-layer="1" to-port="0"/>`), "depends on itself"},
	}
}

func TestReadRefusesHostile(t *testing.T) {
	if _, err := parse([]byte(document(aParameter+aResult, anEdge)), nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range hostileFiles() {
		t.Run(test.name, func(t *testing.T) {
			m, err := parse([]byte(test.text), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("found %v and error %.300v, want %q", m, err, test.want)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("found an error of %d bytes, want it to fit on a screen", len(err.Error()))
			}
		})
	}
}
