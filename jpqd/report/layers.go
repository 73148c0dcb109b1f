package report

import "github.com/go-jpqd/jpqd/jpqd"

// Layer is what compression has left of one transformer block.
type Layer struct {
	Attention, FeedForward jpqd.MaskCount // parameters: weights and biases
	Heads                  []int          // ids of the heads kept; nil: unknown
	AllHeads               int            // 0: unknown
	Neurons, AllNeurons    int            // AllNeurons 0: unknown
	Bytes                  int            // of the Linear weights, biases and scales as deployed; 0: unknown
}

// Kept are the layer's parameters.
func (l *Layer) Kept() jpqd.MaskCount {
	return jpqd.MaskCount{Kept: l.Attention.Kept + l.FeedForward.Kept, All: l.Attention.All + l.FeedForward.All}
}

// layersOf joins what a deployed model says of its layers with what the masks
// say; masks is nil for a model that is only quantized.
func layersOf(c *jpqd.Compressed, sizes *Sizes, masks []jpqd.LayerMasks) []Layer {
	var layers []Layer
	for i := range c.Layers {
		size, from := &sizes.Layers[i], &c.Layers[i]
		l := Layer{
			Heads: append([]int{}, from.Heads...), AllHeads: size.AllHeads,
			Neurons: size.Neurons, AllNeurons: size.AllNeurons, Bytes: size.Bytes,
		}
		if masks != nil {
			l.Attention, l.FeedForward = masks[i].Attention, masks[i].FeedForward
		} else {
			l.Attention = allOf(&from.Query, &from.Key, &from.Value, &from.Output)
			l.FeedForward = allOf(&from.FFNIn, &from.FFNOut)
		}
		layers = append(layers, l)
	}
	return layers
}

func allOf(linears ...*jpqd.CompressedLinear) (n jpqd.MaskCount) {
	for _, l := range linears {
		n.All += l.Weight.Rows*l.Weight.Cols + len(l.Bias)
	}
	n.Kept = n.All
	return n
}

// total sums the parameters of all layers.
func total(layers []Layer) (n jpqd.MaskCount) {
	for i := range layers {
		k := layers[i].Kept()
		n.Kept, n.All = n.Kept+k.Kept, n.All+k.All
	}
	return n
}
