package ir

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"testing"
)

// file is a model that applies the operation to constants. It is not ok for
// types that the writer does not know.
func (test *operationCase) file() (text, bin []byte, ok bool) {
	fields := strings.SplitN(test.name, " ", 3)
	var constants binFile
	net := xmlNet{Version: "11"}
	number := len(test.in)
	operation := xmlLayer{
		ID: strconv.Itoa(number), Name: "operation", Type: fields[0], Version: "opset" + fields[1],
		Data: &xmlData{attributes(test.attributes...)}, Input: &xmlPorts{}, Output: &xmlPorts{},
	}
	for i, t := range test.in {
		n := node{id: i, name: "c" + strconv.Itoa(i), kind: "Const", opset: "opset1", typ: t.Type, dims: t.Shape}
		switch t.Type {
		case F32:
			n.constant = values[float32](t.F32)
		case I64:
			n.constant = values[int64](t.I64)
		default:
			return nil, nil, false
		}
		net.Layers = append(net.Layers, n.layer(&constants))
		operation.Input.Ports = append(operation.Input.Ports, n.port(i, ""))
		net.Edges = append(net.Edges, xmlEdge{strconv.Itoa(i), "0", operation.ID, strconv.Itoa(i)})
	}
	net.Layers = append(net.Layers, xmlLayer{})
	for i := range max(1, len(test.want)) {
		port, id := strconv.Itoa(len(test.in)+i), strconv.Itoa(number+1+i)
		operation.Output.Ports = append(operation.Output.Ports, xmlPort{ID: port, Precision: "FP32", Names: "y" + strconv.Itoa(i)})
		net.Layers = append(net.Layers, xmlLayer{ID: id, Name: "r" + id, Type: "Result", Version: "opset1", Input: &xmlPorts{[]xmlPort{{ID: "0"}}}})
		net.Edges = append(net.Edges, xmlEdge{operation.ID, port, id, "0"})
	}
	net.Layers[number] = operation
	text, err := xml.Marshal(net)
	if err != nil {
		panic(err)
	}
	var data bytes.Buffer
	if err := constants.encode(&data); err != nil {
		panic(err)
	}
	return text, data.Bytes(), true
}

func TestOperationsInFiles(t *testing.T) {
	ran := 0
	for _, test := range operationCases() {
		text, bin, ok := test.file()
		if !ok || test.err != "" {
			continue
		}
		m, err := parse(text, bin)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		out, err := m.Run(nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		for i, want := range test.want {
			if got := out["y"+strconv.Itoa(i)]; got == nil || !equal(got, want) {
				t.Errorf("%s: output %d: found %v, want %v", test.name, i, got, want)
			}
		}
		ran++
	}
	if ran < 50 {
		t.Errorf("found %d cases that fit into files, want at least 50", ran)
	}
}

// Whatever the files hold, reading and running them ends in a value or an error.
func FuzzRead(f *testing.F) {
	f.Add([]byte(foreign), foreignBin)
	for _, test := range hostileFiles() {
		if len(test.text) < 4<<10 {
			f.Add([]byte(test.text), []byte{})
		}
	}
	f.Add([]byte(chain(3, `<data a="b"/><rt_info><a b="c"/></rt_info>`, nothing)), []byte{})
	for _, test := range operationCases() {
		if text, bin, ok := test.file(); ok {
			f.Add(text, bin)
		}
	}
	f.Fuzz(func(t *testing.T, text, bin []byte) {
		m, err := parse(text, bin)
		if err != nil {
			return
		}
		inputs := map[string]*Tensor{}
		for _, p := range m.parameters {
			shape := make([]int, len(p.dims))
			for i, d := range p.dims {
				shape[i] = max(d.min, min(2, d.max&0xff))
			}
			c := call{limit: 1 << 12}
			if inputs[source{p, 0}.names()[0]], err = c.tensor(p.typ, shape); err != nil {
				return
			}
		}
		if _, err := m.run(inputs, 1<<12); err == nil && len(m.Outputs()) == 0 {
			t.Error("found no outputs and no error")
		}
	})
}
