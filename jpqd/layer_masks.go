package jpqd

import (
	"github.com/go-jpqd/jpqd/bert"
)

// MaskCount counts parameters: those that no mask zeroes, of all.
type MaskCount struct{ Kept, All int }

// Sparsity is the share that masks zero, 0 to 1.
func (c MaskCount) Sparsity() float64 {
	if c.All == 0 {
		return 0
	}
	return 1 - float64(c.Kept)/float64(c.All)
}

// LayerMasks is what movement sparsity has left of one transformer block.
type LayerMasks struct {
	Attention   MaskCount // weights and biases of query, key, value and attention output
	FeedForward MaskCount // weights and biases of the two Linears behind
	// Heads and Neurons are the ids of those kept, once masks are final: empty
	// where none is left, nil before and where no structured group is.
	Heads, Neurons []int
}

// LayerMasks counts what the masks of the last step leave of every layer; a
// Linear that is not sparsified counts as kept. Nil without movement sparsity.
func (t *Trainer) LayerMasks() []LayerMasks {
	c := t.compression
	if c == nil || c.schedule == nil {
		return nil
	}
	units := map[*bert.Linear][]int{}
	for _, g := range c.groups {
		if c.frozen {
			units[g.members[0].linear] = append([]int{}, g.kept...)
		}
	}
	sparse := map[*bert.Linear]*sparsifier{}
	for _, p := range c.sparsifiers {
		sparse[p.linear] = p
	}
	count := func(linears ...*bert.Linear) (n MaskCount) {
		for _, l := range linears {
			all := len(l.Weight.Data) + len(l.Bias.Data)
			n.All += all
			n.Kept += all
			if p := sparse[l]; p != nil {
				n.Kept -= countZeros(p.weight.mask) + countZeros(p.bias.mask)
			}
		}
		return n
	}
	var stats []LayerMasks
	for _, l := range t.Model.Layers {
		stats = append(stats, LayerMasks{
			Attention:   count(l.Query, l.Key, l.Value, l.AttentionOutput),
			FeedForward: count(l.Intermediate, l.Output),
			Heads:       units[l.Query],
			Neurons:     units[l.Intermediate],
		})
	}
	return stats
}

func countZeros(mask []float32) int {
	n := 0
	for _, v := range mask {
		if v == 0 {
			n++
		}
	}
	return n
}
