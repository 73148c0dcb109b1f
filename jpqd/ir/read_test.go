package ir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foreign is a file as other writers make them: layers and numbers in any
// order, constants that share bytes, ports without dims or precision, spellings
// in any case, and a layer of an unknown operation that nothing needs.
const foreign = `<?xml version="1.0"?>
<net name="Model0" version="10">
	<layers>
		<layer id="9" name="out" type="Result" version="opset1"><input><port id="0"/></input></layer>
		<layer id="4" name="probabilities" type="Softmax" version="opset9">
			<data axis="-1"/>
			<rt_info><attribute name="fused_names" version="0" value="a,b"/></rt_info>
			<input><port id="0"/></input><output><port id="1" precision="fp32" names="y,y\,2"/></output>
		</layer>
		<layer id="3" name="sum" type="add" version="opset12">
			<input><port id="0"/><port id="1" precision="FP32"><dim>-1</dim><dim>2</dim></port></input>
			<output><port id="2" precision="FP16"/></output>
		</layer>
		<layer id="7" name="x" type="Parameter" version="opset1">
			<data shape="-1,1..2" element_type="f32"/><output><port id="0" precision="FP32"/></output>
		</layer>
		<layer id="2" name="product" type="MatMul" version="opset1">
			<data transpose_b="1"/>
			<input><port id="0"/><port id="1"/></input><output><port id="2" precision="FP32"/></output>
		</layer>
		<layer id="0" name="w" type="Const" version="opset1">
			<data element_type="f32" offset="4" shape="2, 2" size="16"/><output><port id="0" precision="FP32"/></output>
		</layer>
		<layer id="1" name="b" type="Constant" version="opset1">
			<data element_type="f32" offset="12" shape="2" size="8"/><output><port id="0" precision="FP32"/></output>
		</layer>
		<layer id="20" name="state" type="ReadValue" version="opset6"><input><port id="0"/></input></layer>
	</layers>
	<edges>
		<edge from-layer="4" from-port="1" to-layer="9" to-port="0"/>
		<edge from-layer="3" from-port="2" to-layer="4" to-port="0"/>
		<edge from-layer="1" from-port="0" to-layer="3" to-port="1"/>
		<edge from-layer="2" from-port="2" to-layer="3" to-port="0"/>
		<edge from-layer="0" from-port="0" to-layer="2" to-port="1"/>
		<edge from-layer="7" from-port="0" to-layer="2" to-port="0"/>
	</edges>
	<meta_data><MO_version value="1"/></meta_data>
</net>`

// foreignBin is one unused float, then the weight 1 2; 3 4, whose last row is
// also the bias.
var foreignBin = []byte{
	9, 9, 9, 9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40,
}

func TestReadForeign(t *testing.T) {
	m, err := parse([]byte(foreign), foreignBin)
	if err != nil {
		t.Fatal(err)
	}
	if in, out := fmt.Sprint(m.Inputs()), fmt.Sprint(m.Outputs()); in != "[x]" || out != "[y]" {
		t.Errorf("found inputs %s and outputs %s", in, out)
	}
	out, err := m.Run(map[string]*Tensor{"x": floats([]int{1, 2}, -1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	// x·wᵀ + b = (1 + 3, 1 + 4); softmax of a difference of 1.
	want := floats([]int{1, 2}, 0.26894143, 0.7310586)
	for _, name := range []string{"y", "y,2"} {
		if out[name] == nil || !equal(out[name], want) {
			t.Errorf("output %q: found %v, want %v", name, out[name], want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`<net name`, `<graph name`, "XML"},
		{`</net>`, ``, "unexpected EOF"},
		{`</net>`, `</net><net/>`, "second root"},
		{`version="10"`, `version="7"`, `net version: found "7"`},
		{`<layer id="9"`, `<layer`, `layer id: found ""`},
		{`<layer id="9"`, `<layer id="-9"`, `layer id: found "-9"`},
		{`<layer id="9"`, `<layer id="4"`, "layer id 4: found twice"},
		{`name="sum"`, `name="w"`, `both are named "w"`},
		{`type="add" version="opset12"`, `type="LSTMSequence" version="opset5"`, `layer 3 "sum" (LSTMSequence of opset5): operation "LSTMSequence" of version "opset5" is not known`},
		{`type="Softmax" version="opset9"`, `type="Softmax" version="opset99"`, `"opset99" is not known`},
		{`type="add" version="opset12"`, `type="Gelu" version="opset1"`, `"Gelu" of version "opset1" is not known`},
		{`type="add" version="opset12"`, `type="Tanh" version="opset1"`, "found 2 inputs, want 1 to 1"},
		{`precision="fp32" names`, `names`, `precision of output port 1: found ""`},
		{`precision="fp32" names`, `precision="FP99" names`, `found "FP99"`},
		{`<port id="0"/><port id="1" precision="FP32">`, `<port id="0"/><port id="0" precision="FP32">`, "input port 0: found twice"},
		{`to-layer="9" to-port="0"`, `to-layer="90" to-port="0"`, "there is no such layer"},
		{`to-layer="9" to-port="0"`, `to-layer="9" to-port="1"`, "layer 9 has no such input port"},
		{`from-layer="4" from-port="1"`, `from-layer="4" from-port="0"`, "layer 4 has no such output port"},
		{`from-layer="4" from-port="1"`, `from-layer="4" from-port="x"`, `edge from-port: found "x"`},
		{`to-layer="3" to-port="1"`, `to-layer="3" to-port="0"`, "has an edge already"},
		{`<edge from-layer="1" from-port="0" to-layer="3" to-port="1"/>`, ``, "input port 1 has no edge"},
		{`<edge from-layer="1" from-port="0"`, `<edge from-layer="4" from-port="1"`, "depends on itself"},
		{`type="Result"`, `type="Sink"`, "no Result"},
		{`shape="-1,1..2"`, `shape="-1,2..1"`, `found "2..1"`},
		{`shape="-1,1..2"`, `shape="-1,x"`, `found "x"`},
		{`shape="-1,1..2" element_type="f32"`, `shape="" element_type="f4"`, `found "f4"`},
		{`offset="4" shape="2, 2"`, `offset="5" shape="2, 2"`, "found 16 bytes at offset 5, want them inside the 20 bytes"},
		{`offset="4" shape="2, 2"`, `offset="9223372036854775807" shape="2, 2"`, "at offset 9223372036854775807"},
		{`offset="4" shape="2, 2"`, `offset="-4" shape="2, 2"`, `offset: found "-4"`},
		{`offset="4" shape="2, 2"`, `offset="4" shape="2, 3"`, "found 16 bytes, want 24 for f32 of shape [2 3]"},
		{`offset="4" shape="2, 2"`, `offset="4" shape="4294967296, 4294967296"`, "want at most"},
		{`offset="4" shape="2, 2"`, `offset="4" shape="-1, 2"`, "found dimension -1"},
		{`offset="4" shape="2, 2"`, `offset="4" shape="2; 2"`, "separated by commas"},
		{`size="16"`, ``, `size: found ""`},
	} {
		if !strings.Contains(foreign, test.old) {
			t.Fatalf("%q is not in the file", test.old)
		}
		m, err := parse([]byte(strings.Replace(foreign, test.old, test.new, 1)), foreignBin)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q for %q: found %v and error %v, want %q", test.new, test.old, m, err, test.want)
		}
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.xml")
	if _, err := Read(path); !os.IsNotExist(err) {
		t.Errorf("no files: found error %v", err)
	}
	if err := os.WriteFile(path, []byte(foreign), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !os.IsNotExist(err) || !strings.Contains(err.Error(), "m.bin") {
		t.Errorf("no constants: found error %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.bin"), foreignBin[:19], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "m.xml: layer 0 \"w\" (Const of opset1): found 16 bytes at offset 4, want them inside the 19 bytes") {
		t.Errorf("truncated constants: found error %v", err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a folder: found no error")
	}
	huge, err := os.Create(filepath.Join(dir, "huge.xml"))
	if err != nil {
		t.Fatal(err)
	}
	defer huge.Close()
	if err := huge.Truncate(maxXML + 1); err != nil {
		t.Skip(err)
	}
	if _, err := Read(huge.Name()); err == nil || !strings.Contains(err.Error(), "want a file of at most") {
		t.Errorf("huge file: found error %v", err)
	}
}
