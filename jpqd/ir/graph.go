package ir

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// dynamic is a dimension known only when the model runs.
const dynamic = -1

// node is one layer of a graph being written. Every operation written here has
// at most one output, so a node also stands for the tensor it makes.
type node struct {
	id         int
	name       string
	kind       string // type of the operation, "MatMul"
	opset      string // the operation set that introduced this version of it
	attributes []xml.Attr
	inputs     []*node
	constant   elements // of a Const

	decompression bool // a Convert that gives back what was stored in fewer bits

	typ    ElementType // of the output
	dims   []int       // of the output
	tensor string      // name by which programs address the output, or ""
}

// graph is a list of nodes in which inputs stand before their users.
type graph struct {
	name       string
	precision  ElementType // of floats that are stored, F32 or F16
	nodes      []*node
	names      map[string]bool
	quantizers map[quantizerKey]*node
	smoothed   []smoothed
	info       []xmlInfo
}

func newGraph(name string, precision ElementType) *graph {
	return &graph{name: name, precision: precision, names: map[string]bool{}, quantizers: map[quantizerKey]*node{}}
}

// add appends a node. Names of layers must be unique in a file.
func (g *graph) add(n *node) *node {
	if g.names[n.name] {
		panic("ir: two layers named " + n.name)
	}
	g.names[n.name] = true
	n.id = len(g.nodes)
	g.nodes = append(g.nodes, n)
	return n
}

// attributes makes a list from names and values in turn.
func attributes(pairs ...string) []xml.Attr {
	list := make([]xml.Attr, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, xml.Attr{Name: xml.Name{Local: pairs[i]}, Value: pairs[i+1]})
	}
	return list
}

// joinInts spells a list as attributes do: "1,2,3".
func joinInts(v []int) string {
	var s strings.Builder
	for i, n := range v {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString(strconv.Itoa(n))
	}
	return s.String()
}

// broadcastDims is the shape of an elementwise operation on a and b, by numpy's rules.
func broadcastDims(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	dims := append([]int(nil), a...)
	shift := len(a) - len(b)
	for i, n := range b {
		switch have := dims[shift+i]; {
		case have == n || n == 1:
		case have == 1 || have == dynamic:
			dims[shift+i] = n
		case n == dynamic:
		default:
			panic("ir: shapes " + joinInts(a) + " and " + joinInts(b) + " do not broadcast")
		}
	}
	return dims
}
