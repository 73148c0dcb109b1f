package ir

import (
	"encoding/xml"
	"strconv"

	"github.com/go-jpqd/jpqd/jpqd"
)

// infoTree is a named list of metadata.
func infoTree(name string, children ...xmlInfo) xmlInfo {
	return xmlInfo{XMLName: xml.Name{Local: name}, Children: children}
}

// infoLeaf is a named value of the metadata.
func infoLeaf(name, value string) xmlInfo {
	return xmlInfo{XMLName: xml.Name{Local: name}, Value: value}
}

// describe makes the metadata of a graph that is complete as NNCF leaves it in a
// file: what was quantized and how, and what is left of each layer of c.
func (g *graph) describe(c *jpqd.Compressed) {
	var heads, neurons []int
	pruned := false
	for i := range c.Layers {
		l := &c.Layers[i]
		heads, neurons = append(heads, len(l.Heads)), append(neurons, len(l.Neurons))
		pruned = pruned || len(l.Heads) < c.Config.NumAttentionHeads || len(l.Neurons) < c.Config.IntermediateSize
	}
	left := []xmlInfo{infoLeaf("heads", joinInts(heads)), infoLeaf("neurons", joinInts(neurons))}
	g.info = []xmlInfo{infoTree("jpqd", left...)}
	var nncf []xmlInfo
	if c.Quantized() {
		nncf = append(nncf, g.quantization())
	}
	if pruned {
		nncf = append(nncf, infoTree("movement_sparsity", left...))
	}
	if nncf != nil {
		g.info = append(g.info, infoTree("nncf", nncf...))
	}
}

// quantization tells the modes of the quantizers: NNCF's preset is "performance"
// where all ranges of activations are symmetric, else "mixed".
func (g *graph) quantization() xmlInfo {
	preset, weights := "performance", 0
	for key := range g.quantizers {
		if signed := -key.high * 128 / 127; key.low != 0 && key.low != signed {
			preset = "mixed"
		}
	}
	for _, n := range g.nodes {
		if n.kind == "Const" && n.typ == I8 && n.dims[1] > 1 { // a zero point has one column
			weights++
		}
	}
	return infoTree("quantization",
		infoLeaf("preset", preset), infoLeaf("model_type", "transformer"), infoLeaf("target_device", "CPU"), infoLeaf("bits", "8"),
		infoLeaf("weight_quantizers", strconv.Itoa(weights)), infoLeaf("activation_quantizers", strconv.Itoa(len(g.quantizers))))
}
