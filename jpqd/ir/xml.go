package ir

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// The elements of a file of layers as they are written; the reader keeps less.
type (
	xmlNet struct {
		XMLName xml.Name   `xml:"net"`
		Name    string     `xml:"name,attr"`
		Version string     `xml:"version,attr"`
		Layers  []xmlLayer `xml:"layers>layer"`
		Edges   []xmlEdge  `xml:"edges>edge"`
		Info    *xmlInfo   `xml:"rt_info"`
	}
	xmlLayer struct {
		ID      string    `xml:"id,attr"`
		Name    string    `xml:"name,attr"`
		Type    string    `xml:"type,attr"`
		Version string    `xml:"version,attr"`
		Data    *xmlData  `xml:"data"`
		Marks   *xmlMarks `xml:"rt_info"`
		Input   *xmlPorts `xml:"input"`
		Output  *xmlPorts `xml:"output"`
	}
	xmlData struct {
		Attributes []xml.Attr `xml:",any,attr"`
	}
	// xmlMarks are what a runtime is to know of a layer.
	xmlMarks struct {
		Attributes []xmlMark `xml:"attribute"`
	}
	xmlMark struct {
		Name    string `xml:"name,attr"`
		Version string `xml:"version,attr"`
	}
	xmlPorts struct {
		Ports []xmlPort `xml:"port"`
	}
	xmlPort struct {
		ID        string   `xml:"id,attr"`
		Precision string   `xml:"precision,attr"`
		Names     string   `xml:"names,attr,omitempty"`
		Dims      []string `xml:"dim"`
	}
	xmlEdge struct {
		FromLayer string `xml:"from-layer,attr"`
		FromPort  string `xml:"from-port,attr"`
		ToLayer   string `xml:"to-layer,attr"`
		ToPort    string `xml:"to-port,attr"`
	}
	// xmlInfo is a tree of metadata: a value or children.
	xmlInfo struct {
		XMLName  xml.Name
		Value    string    `xml:"value,attr,omitempty"`
		Children []xmlInfo `xml:",any"`
	}
)

// document is the file of layers of g, whose constants lie in bin.
func (g *graph) document(bin *binFile) ([]byte, error) {
	net := xmlNet{Name: g.name, Version: "11", Info: &xmlInfo{Children: g.info}}
	for _, n := range g.nodes {
		net.Layers = append(net.Layers, n.layer(bin))
		for i, from := range n.inputs {
			net.Edges = append(net.Edges, xmlEdge{
				FromLayer: strconv.Itoa(from.id), FromPort: strconv.Itoa(len(from.inputs)),
				ToLayer: strconv.Itoa(n.id), ToPort: strconv.Itoa(i),
			})
		}
	}
	text, err := xml.MarshalIndent(net, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("layers of the IR: %w", err)
	}
	return append([]byte("<?xml version=\"1.0\"?>\n"), append(text, '\n')...), nil
}

// layer is n in the file. Its input ports are numbered from 0, the output port follows.
func (n *node) layer(bin *binFile) xmlLayer {
	l := xmlLayer{ID: strconv.Itoa(n.id), Name: n.name, Type: n.kind, Version: n.opset}
	list := n.attributes
	if n.constant != nil {
		list = attributes("element_type", string(n.typ), "shape", strings.ReplaceAll(joinInts(n.dims), ",", ", "),
			"offset", strconv.FormatInt(bin.place(n.constant), 10), "size", strconv.FormatInt(n.constant.size(), 10))
	}
	if len(list) > 0 {
		l.Data = &xmlData{list}
	}
	if n.decompression {
		l.Marks = &xmlMarks{[]xmlMark{{"decompression", "0"}}}
	}
	if len(n.inputs) > 0 {
		l.Input = &xmlPorts{}
		for i, from := range n.inputs {
			l.Input.Ports = append(l.Input.Ports, from.port(i, ""))
		}
	}
	if n.typ != "" {
		names := strings.ReplaceAll(n.tensor, ",", `\,`)
		l.Output = &xmlPorts{Ports: []xmlPort{n.port(len(n.inputs), names)}}
	}
	return l
}

// port is where the tensor of n enters or leaves a layer.
func (n *node) port(id int, names string) xmlPort {
	p := xmlPort{ID: strconv.Itoa(id), Precision: elementTypes[n.typ].precision, Names: names}
	for _, d := range n.dims {
		p.Dims = append(p.Dims, strconv.Itoa(d))
	}
	return p
}
