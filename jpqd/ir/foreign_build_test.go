package ir

import (
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// foreignNet builds files as OpenVINO's serializer lays them out. It shares no
// code with this package's writer.
type foreignNet struct {
	numbered bool // tensors are numbered as by the PyTorch frontend, else named as by ONNX
	layers   []*foreignLayer
	bin      []byte
	blobs    map[string]int // offset of each run of bytes: equal ones are stored once
	names    map[string]int // how often each name was asked for
	serial   int            // of constants and tensors
}

type foreignLayer struct {
	id          int
	name        string
	kind, opset string
	attributes  []string // names and values in turn
	info        []string // rt_info: names and values in turn
	inputs      []foreignTensor
	outputs     []foreignPort
}

type foreignPort struct {
	typ   ElementType
	dims  []int // −1 is dynamic
	names string
}

// foreignTensor is an output of a layer.
type foreignTensor struct {
	*foreignLayer
	output int
}

func (t foreignTensor) typ() ElementType { return t.outputs[t.output].typ }
func (t foreignTensor) dims() []int      { return t.outputs[t.output].dims }

// shaped says what the layer makes, where that is not what an elementwise
// operation would.
func (t foreignTensor) shaped(typ ElementType, dims ...int) foreignTensor {
	t.outputs[t.output].typ, t.outputs[t.output].dims = typ, dims
	return t
}

// called gives the tensor names.
func (t foreignTensor) called(names string) foreignTensor {
	t.outputs[t.output].names = names
	return t
}

func newForeignNet(numbered bool) *foreignNet {
	return &foreignNet{numbered: numbered, blobs: map[string]int{}, names: map[string]int{}, serial: 6800}
}

// op adds a layer of kind "MatMul-1", type and operation set. Its output is
// that of an elementwise operation until shaped says otherwise. name "" is that
// of a layer that a transformation made.
func (n *foreignNet) op(name, kind string, attributes []string, in ...foreignTensor) foreignTensor {
	kind, opset, _ := strings.Cut(kind, "-")
	n.serial++
	tensor := strconv.Itoa(n.serial)
	if name == "" {
		name = fmt.Sprintf("%s_%d", strings.Replace(kind, "Const", "Constant", 1), n.serial)
	}
	name = n.unique(name)
	if !n.numbered {
		tensor = name + "_output_0"
	}
	l := &foreignLayer{name: name, kind: kind, opset: "opset" + opset, attributes: attributes, inputs: in}
	port := foreignPort{names: tensor}
	if len(in) > 0 {
		port.typ = in[0].typ()
		for _, t := range in {
			port.dims = broadcastForeign(port.dims, t.dims())
		}
	}
	l.outputs = []foreignPort{port}
	n.layers = append(n.layers, l)
	return foreignTensor{l, 0}
}

// unique numbers a name that is taken, as the frontends do.
func (n *foreignNet) unique(name string) string {
	n.names[name]++
	if times := n.names[name]; times > 1 {
		return n.unique(name + "_" + strconv.Itoa(times-1))
	}
	return name
}

// broadcastForeign is numpy's rule, where −1 and a number are the number.
func broadcastForeign(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	dims := append([]int{}, a...)
	for i, d := range b {
		if at := &dims[len(a)-len(b)+i]; *at == 1 || *at == -1 && d != 1 {
			*at = d
		}
	}
	return dims
}

func (n *foreignNet) parameter(name string) foreignTensor {
	return n.op(name, "Parameter-1", []string{"shape", "?,?", "element_type", "i64"}).shaped(I64, -1, -1).called(name)
}

func (n *foreignNet) result(x foreignTensor) {
	n.op("", "Result-1", nil, x).outputs = nil
}

// constant stores values right behind those before, whatever their size.
func (n *foreignNet) constant(name string, typ ElementType, values []float64, dims ...int) foreignTensor {
	var raw []byte
	for _, v := range values {
		switch typ {
		case F32:
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		case F16:
			raw = binary.LittleEndian.AppendUint16(raw, floatToHalf(float32(v)))
		case I64:
			raw = binary.LittleEndian.AppendUint64(raw, uint64(int64(v)))
		case I32:
			raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(v)))
		default: // i8, u8 and boolean
			raw = append(raw, byte(int(v)))
		}
	}
	offset, ok := n.blobs[string(raw)]
	if !ok {
		offset = len(n.bin)
		n.blobs[string(raw)] = offset
		n.bin = append(n.bin, raw...)
	}
	attributes := []string{
		"element_type", string(typ), "shape", foreignList(dims),
		"offset", strconv.Itoa(offset), "size", strconv.Itoa(len(raw)),
	}
	return n.op(name, "Const-1", attributes).shaped(typ, dims...).called("")
}

// float is a constant of one element; dims of none are a scalar.
func (n *foreignNet) float(v float64, dims ...int) foreignTensor {
	return n.constant("", F32, []float64{v}, dims...)
}

// ints are a list of i64.
func (n *foreignNet) ints(v ...int) foreignTensor {
	return n.constant("", I64, widen(v), len(v))
}

// int is a scalar of i64.
func (n *foreignNet) int(v int) foreignTensor { return n.constant("", I64, []float64{float64(v)}) }

// ints32 are a list of i32.
func (n *foreignNet) ints32(v ...int) foreignTensor {
	return n.constant("", I32, widen(v), len(v))
}

func widen[T float32 | int | int8 | int64](v []T) []float64 {
	wide := make([]float64, len(v))
	for i := range v {
		wide[i] = float64(v[i])
	}
	return wide
}

// foreignList is spelled with blanks, as the serializer does.
func foreignList(v []int) string {
	var fields []string
	for _, i := range v {
		fields = append(fields, strconv.Itoa(i))
	}
	return strings.Join(fields, ", ")
}

// foreignPrecisions are the names of types on ports.
var foreignPrecisions = map[ElementType]string{
	F32: "FP32", F16: "FP16", I64: "I64", I32: "I32", I8: "I8", U8: "U8", Boolean: "BOOL",
}

// file is the net as XML and constants. r, unless nil, shuffles the numbers and
// the order of layers.
func (n *foreignNet) file(r *rand.Rand) (text, bin []byte) {
	layers := append([]*foreignLayer{}, n.layers...)
	if r != nil {
		r.Shuffle(len(layers), func(i, j int) {
			if layers[i].kind != "Parameter" && layers[j].kind != "Parameter" { // theirs is the order of inputs
				layers[i], layers[j] = layers[j], layers[i]
			}
		})
	}
	for i, l := range layers {
		l.id = i
	}
	if r != nil {
		for i, id := range r.Perm(2 * len(layers))[:len(layers)] {
			layers[i].id = id
		}
	}
	var s strings.Builder
	s.WriteString("<?xml version=\"1.0\"?>\n<net name=\"Model0\" version=\"11\">\n\t<layers>\n")
	for _, l := range layers {
		l.write(&s)
	}
	s.WriteString("\t</layers>\n\t<edges>\n")
	for _, l := range layers {
		for i, in := range l.inputs {
			fmt.Fprintf(&s, "\t\t<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"%d\" />\n", in.id, len(in.inputs)+in.output, l.id, i)
		}
	}
	s.WriteString("\t</edges>\n\t<rt_info>\n\t\t<Runtime_version value=\"2024.4.1-16618-643f23d1318-releases/2024/4\" />\n" +
		"\t\t<conversion_parameters>\n\t\t\t<framework value=\"pytorch\" />\n\t\t\t<is_python_object value=\"True\" />\n\t\t</conversion_parameters>\n" +
		"\t\t<optimum>\n\t\t\t<optimum_intel_version value=\"1.20.0\" />\n\t\t</optimum>\n\t</rt_info>\n</net>\n")
	return []byte(s.String()), n.bin
}

func (l *foreignLayer) write(s *strings.Builder) {
	fmt.Fprintf(s, "\t\t<layer id=\"%d\" name=\"%s\" type=\"%s\" version=\"%s\">\n", l.id, escapeForeign(l.name), l.kind, l.opset)
	if len(l.attributes) > 0 {
		s.WriteString("\t\t\t<data")
		for i := 0; i < len(l.attributes); i += 2 {
			fmt.Fprintf(s, " %s=\"%s\"", l.attributes[i], l.attributes[i+1])
		}
		s.WriteString(" />\n")
	}
	if len(l.info) > 0 {
		s.WriteString("\t\t\t<rt_info>\n")
		for i := 0; i < len(l.info); i += 2 {
			fmt.Fprintf(s, "\t\t\t\t<attribute name=\"%s\" version=\"0\" value=\"%s\" />\n", l.info[i], escapeForeign(l.info[i+1]))
		}
		s.WriteString("\t\t\t</rt_info>\n")
	}
	if len(l.inputs) > 0 {
		s.WriteString("\t\t\t<input>\n")
		for i, in := range l.inputs {
			writeForeignPort(s, i, foreignPort{typ: in.typ(), dims: in.dims()})
		}
		s.WriteString("\t\t\t</input>\n")
	}
	if len(l.outputs) > 0 {
		s.WriteString("\t\t\t<output>\n")
		for i, out := range l.outputs {
			writeForeignPort(s, len(l.inputs)+i, out)
		}
		s.WriteString("\t\t\t</output>\n")
	}
	s.WriteString("\t\t</layer>\n")
}

func writeForeignPort(s *strings.Builder, id int, p foreignPort) {
	fmt.Fprintf(s, "\t\t\t\t<port id=\"%d\" precision=\"%s\"", id, foreignPrecisions[p.typ])
	if p.names != "" {
		fmt.Fprintf(s, " names=\"%s\"", escapeForeign(p.names))
	}
	if len(p.dims) == 0 {
		s.WriteString(" />\n")
		return
	}
	s.WriteString(">\n")
	for _, d := range p.dims {
		fmt.Fprintf(s, "\t\t\t\t\t<dim>%d</dim>\n", d)
	}
	s.WriteString("\t\t\t\t</port>\n")
}

func escapeForeign(text string) string {
	var s strings.Builder
	if err := xml.EscapeText(&s, []byte(text)); err != nil {
		panic(err)
	}
	return s.String()
}
