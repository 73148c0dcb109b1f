package synthetic

import (
	"math"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

// The parameters of the checkpoints that the names stand for, with two labels,
// as transformers' num_parameters counts them.
func TestConfigs(t *testing.T) {
	parameters := map[string]int{
		"bert-base": 109_483_778, "bert-large": 335_143_938, "minilm": 33_360_770, "distilbert-base": 66_955_010, "roberta-base": 124_647_170,
	}
	for _, name := range Configs() {
		t.Run(name, func(t *testing.T) {
			c, err := Config(name)
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && c.HiddenSize > 768 {
				t.Skip("-short: it takes 400 MB of memory")
			}
			m := Compressed(c, None, 1)
			if err := m.Validate(); err != nil {
				t.Fatal(err)
			}
			sizes := report.Measure(m)
			// Position rows before the first one that is used are not deployed.
			if got := sizes.Parameters + c.PositionOffset()*c.HiddenSize; got != parameters[name] {
				t.Errorf("found %d parameters, want %d", got, parameters[name])
			}
			if sizes.Quantized != sizes.AllMatrices {
				t.Errorf("found %d of %d matrices quantized, want all", sizes.Quantized, sizes.AllMatrices)
			}
		})
	}
	if _, err := Config("bert"); err == nil {
		t.Error(`Config("bert"): found no error`)
	}
	if _, err := ParseSparsity("dense"); err == nil {
		t.Error(`ParseSparsity("dense"): found no error`)
	}
}

// small is a BERT of two layers, width 64 and four heads.
func small() bert.Config {
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize, c.MaxPositionEmbeddings = 100, 64, 2, 4, 320, 32
	return c
}

// Of 8 heads 60 % are 5. A layer has 4·64·64 + 2·64·320 = 57,344 weights, two
// have 114,688, of which 60 % are 68,813; 5 heads of 4·64·16 = 4,096 weights are
// 20,480 of them, which leaves 48,333 to neurons of 128: 378. The parts before
// the middle are (4/2 − 1/4)/3 = 0.583 of the total: 3 heads (2.92), 221
// neurons (220.5).
func TestPublished(t *testing.T) {
	k := published(small())
	if want := (kept{[]int{3, 2}, []int{221, 157}}); !slices.Equal(k.heads, want.heads) || !slices.Equal(k.neurons, want.neurons) {
		t.Errorf("found %v, want %v", k, want)
	}
	c, err := Config("bert-base")
	if err != nil {
		t.Fatal(err)
	}
	k = published(c)
	weights := 0
	for i := range k.heads {
		weights += k.heads[i]*4*768*64 + k.neurons[i]*2*768
		if k.heads[i] > 12 || k.neurons[i] > 3072 {
			t.Errorf("layer %d: found %d heads and %d neurons, want at most 12 and 3072", i, k.heads[i], k.neurons[i])
		}
	}
	if share := float64(weights) / 84_934_656; math.Abs(share-0.6) > 1e-4 {
		t.Errorf("found %.4f of the weights of BERT-base's encoder, want 0.6", share)
	}
}

// A matrix of 64×64 has 4 blocks, a fifth of which is 0.8: one is left. 60 % of
// 320 neurons are 192.
func TestUnstructured(t *testing.T) {
	m := Compressed(small(), Unstructured, 1)
	for i, l := range m.Layers {
		if len(l.Heads) != 4 || len(l.Neurons) != 192 {
			t.Errorf("layer %d: found %d heads and %d neurons, want 4 and 192", i, len(l.Heads), len(l.Neurons))
		}
		for _, w := range []jpqd.CompressedMatrix{l.Query.Weight, l.Key.Weight, l.Value.Weight, l.Output.Weight} {
			alive := map[[2]int]bool{}
			for j, v := range w.I8 {
				if v != 0 {
					alive[[2]int{j / w.Cols / 32, j % w.Cols / 32}] = true
				}
			}
			if len(alive) != 1 {
				t.Errorf("layer %d: found %d blocks, want 1", i, len(alive))
			}
		}
	}
}

// A model of every kind runs, and its logits are neither all alike nor large:
// no range saturates everything.
func TestModelsRun(t *testing.T) {
	models := map[string]*jpqd.Compressed{}
	for _, s := range Sparsities() {
		models["float "+s] = Float(small(), Sparsity(s), 1)
		models["int8 "+s] = Compressed(small(), Sparsity(s), 1)
	}
	batch := &bert.Batch{}
	batch.Append([]int32{1, 2, 3, 4, 5}, nil)
	batch.Append([]int32{99, 50, 0}, nil)
	for name, m := range models {
		e, err := int8.New(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		logits := make([]float32, 4)
		if err := e.Logits(e.NewWorkspace(), batch, logits); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if logits[0] == logits[2] {
			t.Errorf("%s: found the same logits %v of two sequences", name, logits)
		}
		for _, v := range logits {
			if !(math.Abs(float64(v)) < 10) {
				t.Errorf("%s: found logits %v, want unit size", name, logits)
			}
		}
	}
}
