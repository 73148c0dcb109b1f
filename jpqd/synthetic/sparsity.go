package synthetic

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Sparsity is what pruning has left of a model.
type Sparsity string

const (
	None         Sparsity = "none"         // nothing is pruned
	Published    Sparsity = "published"    // heads and neurons with 40 % of the encoder's weights are gone, as in the published runs for SST-2 and SQuAD
	Unstructured Sparsity = "unstructured" // a fifth of attention's 32×32 blocks and three fifths of the neurons are left
)

// Sparsities are the values there are.
func Sparsities() []string { return []string{string(None), string(Published), string(Unstructured)} }

// ParseSparsity reads one of them.
func ParseSparsity(name string) (Sparsity, error) {
	if !slices.Contains(Sparsities(), name) {
		return "", fmt.Errorf("found %q, want one of %s", name, strings.Join(Sparsities(), ", "))
	}
	return Sparsity(name), nil
}

// Shares that are left.
const (
	publishedWeights = 0.6 // of the encoder's weights
	blocksKept       = 0.2
	neuronsKept      = 0.6
	blockSize        = 32
)

// kept is how many heads and neurons each layer has left.
type kept struct{ heads, neurons []int }

func everything(c bert.Config) kept {
	return kept{slices.Repeat([]int{c.NumAttentionHeads}, c.NumHiddenLayers), slices.Repeat([]int{c.IntermediateSize}, c.NumHiddenLayers)}
}

// fewerNeurons is the unstructured model: a row of the first Linear of the
// feed-forward network is masked with its bias, so that its neuron is gone
// whatever is left of the other's column.
func fewerNeurons(c bert.Config) kept {
	k := everything(c)
	for i := range k.neurons {
		k.neurons[i] = int(math.Round(neuronsKept * float64(c.IntermediateSize)))
	}
	return k
}

// published keeps 60 % of the heads, and as many neurons as make 60 % of the
// weights. Later layers lose more, from a fifth to three fifths.
func published(c bert.Config) kept {
	layers, hidden := c.NumHiddenLayers, c.HiddenSize
	heads := int(math.Round(publishedWeights * float64(layers*c.NumAttentionHeads)))
	head, neuron := 4*hidden*c.HeadDim(), 2*hidden
	all := layers * (4*hidden*hidden + 2*hidden*c.IntermediateSize)
	neurons := int(math.Round((publishedWeights*float64(all) - float64(heads*head)) / float64(neuron)))
	return kept{falling(heads, layers), falling(neurons, layers)}
}

// falling divides a total into n parts that fall evenly from 4/3 to 2/3 of
// their mean.
func falling(total, n int) []int {
	until := func(i int) int { // sum of the first i parts
		x := float64(i) / float64(n)
		return int(math.Round(float64(total) * (4*x - x*x) / 3))
	}
	parts := make([]int, n)
	for i := range parts {
		parts[i] = until(i+1) - until(i)
	}
	return parts
}

// sparsify leaves a share of the blocks of the attention's Linears, drawn at random.
func (b *builder) sparsify(m *jpqd.Compressed) {
	for i := range m.Layers {
		l := &m.Layers[i]
		for _, w := range []*jpqd.CompressedMatrix{&l.Query.Weight, &l.Key.Weight, &l.Value.Weight, &l.Output.Weight} {
			b.clearBlocks(w)
		}
	}
}

func (b *builder) clearBlocks(w *jpqd.CompressedMatrix) {
	down, across := (w.Rows+blockSize-1)/blockSize, (w.Cols+blockSize-1)/blockSize
	left := b.choose(int(math.Round(blocksKept*float64(down*across))), down*across)
	for id := range down * across {
		if len(left) > 0 && left[0] == id {
			left = left[1:]
			continue
		}
		col := id % across * blockSize
		for r := id / across * blockSize; r < min(w.Rows, (id/across+1)*blockSize); r++ {
			from, to := r*w.Cols+col, r*w.Cols+min(w.Cols, col+blockSize)
			if w.I8 != nil {
				clear(w.I8[from:to])
			} else {
				clear(w.F32[from:to])
			}
		}
	}
}
