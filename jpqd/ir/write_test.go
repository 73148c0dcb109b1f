package ir

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// sequence is one example of a batch.
type sequence struct{ ids, types []int64 }

// inputsOf are those of a batch that the model has.
func inputsOf(m *Model, sequences ...sequence) map[string]*Tensor {
	all := batch(sequences...)
	maps.DeleteFunc(all, func(name string, _ *Tensor) bool { return !slices.Contains(m.Inputs(), name) })
	return all
}

// batch pads the sequences to one length with ids that would matter if they were seen.
func batch(sequences ...sequence) map[string]*Tensor {
	length := 0
	for _, s := range sequences {
		length = max(length, len(s.ids))
	}
	ids := &Tensor{Type: I64, Shape: []int{len(sequences), length}}
	mask, types := *ids, *ids
	for _, s := range sequences {
		for p := range length {
			if p < len(s.ids) {
				ids.I64, types.I64, mask.I64 = append(ids.I64, s.ids[p]), append(types.I64, s.types[p]), append(mask.I64, 1)
			} else {
				ids.I64, types.I64, mask.I64 = append(ids.I64, int64(7+p)), append(types.I64, 1), append(mask.I64, 0)
			}
		}
	}
	return map[string]*Tensor{"input_ids": ids, "attention_mask": &mask, "token_type_ids": &types}
}

func randomSequence(r *rand.Rand, c *jpqd.Compressed, length int) sequence {
	var s sequence
	for range length {
		s.ids = append(s.ids, r.Int64N(int64(c.Config.VocabSize)))
		s.types = append(s.types, r.Int64N(int64(max(1, c.Config.TypeVocabSize))))
	}
	return s
}

func writeAndRead(t testing.TB, c *jpqd.Compressed) *Model {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, c, Options{}); err != nil {
		t.Fatal(err)
	}
	return readFolder(t, dir)
}

func readFolder(t testing.TB, dir string) *Model {
	t.Helper()
	m, err := Read(filepath.Join(dir, XMLName))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func runLogits(t testing.TB, m *Model, inputs map[string]*Tensor) *Tensor {
	t.Helper()
	out, err := m.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	return out["logits"]
}

// sequenceLogits are the logits of each sequence of a padded batch; of question
// answering, start and end of each of its tokens.
func sequenceLogits(t testing.TB, m *Model, sequences ...sequence) [][]float32 {
	t.Helper()
	return batchLogits(t, m, inputsOf(m, sequences...), sequences)
}

// batchLogits are those of sequences that stand in a batch.
func batchLogits(t testing.TB, m *Model, in map[string]*Tensor, sequences []sequence) [][]float32 {
	t.Helper()
	out, err := m.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	logits := make([][]float32, len(sequences))
	if all := out["logits"]; all != nil {
		if len(out) != 1 || len(all.Shape) != 2 || all.Shape[0] != len(sequences) {
			t.Fatalf("found %d outputs and logits of shape %v, want one of %d rows", len(out), all.Shape, len(sequences))
		}
		for i := range logits {
			logits[i] = all.F32[i*all.Shape[1] : (i+1)*all.Shape[1]]
		}
		return logits
	}
	shape := in["input_ids"].Shape
	start, end := out["start_logits"], out["end_logits"]
	if len(out) != 2 || start == nil || end == nil || !slices.Equal(start.Shape, shape) || !slices.Equal(end.Shape, shape) {
		t.Fatalf("found outputs %v, want start_logits and end_logits of shape %v", out, shape)
	}
	for i, s := range sequences {
		for p := range s.ids {
			at := i*shape[1] + p
			logits[i] = append(logits[i], start.F32[at], end.F32[at])
		}
	}
	return logits
}

// The file means what the Compressed value means, for padded batches too. A
// value that lies closer to a rounding boundary than float32 is exact may go
// either way and then differs by a whole level; models with such values are
// passed over.
func TestWriteMeansCompressed(t *testing.T) {
	const tolerance, clear = 1e-4, 1e-4
	for name, v := range testmodel.Variants {
		t.Run(name, func(t *testing.T) {
			compared := 0
			for seed := range uint64(600) {
				c := testmodel.New(v, seed)
				r := rand.New(rand.NewPCG(seed, 2))
				sequences := []sequence{randomSequence(r, c, 4), randomSequence(r, c, 1), randomSequence(r, c, 2)}
				f := &forward{Compressed: c, margin: 1}
				var want []float64
				for _, s := range sequences {
					want = append(want, f.logits(s.ids, s.types)...)
				}
				if f.margin < clear {
					continue
				}
				m := writeAndRead(t, c)
				got := sequenceLogits(t, m, sequences...)
				for i, x := range slices.Concat(got...) {
					if !(math.Abs(float64(x)-want[i]) < tolerance) {
						t.Fatalf("seed %d: logits %v, want %v", seed, got, want)
					}
				}
				for i, s := range sequences {
					alone := sequenceLogits(t, m, s)[0]
					for j, x := range alone {
						if math.Abs(float64(x-got[i][j])) > 1e-5 {
							t.Fatalf("seed %d: logits of sequence %d alone %v, padded in a batch %v", seed, i, alone, got[i])
						}
					}
				}
				if compared++; compared == 5 {
					return
				}
			}
			t.Fatalf("found %d models without values at a rounding boundary, want 5", compared)
		})
	}
}

// A head dimension of 16 has the factor 1/4, which moves nothing.
func TestQueryScaleIsExact(t *testing.T) {
	if f := (&bert.Config{HiddenSize: 64, NumAttentionHeads: 1}).ScoreScale(); f != 0.125 {
		t.Errorf("1/√64: found %v", f)
	}
	r := &jpqd.ActivationRange{Low: -128.0 / 127, High: 1, Levels: 256}
	if s := r.Scaled(0.25); s.Low*4 != r.Low || s.High*4 != r.High || s.Levels != 256 {
		t.Errorf("found %v to %v, want a quarter of %v to %v", s.Low, s.High, r.Low, r.High)
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	var first [2][]byte
	for i := range 3 {
		dir := t.TempDir()
		if err := Write(dir, testmodel.Named("int8 products", 3), Options{}); err != nil {
			t.Fatal(err)
		}
		for j, name := range []string{XMLName, BinName} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first[j] = data
			} else if !bytes.Equal(data, first[j]) {
				t.Errorf("%s differs between two writes of one model", name)
			}
		}
	}
}

func TestWriteLeavesTheModelAlone(t *testing.T) {
	c := testmodel.Named("int8", 1)
	if err := Write(t.TempDir(), c, Options{}); err != nil {
		t.Fatal(err)
	}
	again := testmodel.Named("int8", 1)
	for i := range c.Layers {
		if c.Layers[i].QueryOut.High != again.Layers[i].QueryOut.High || c.Layers[i].Query.Bias[0] != again.Layers[i].Query.Bias[0] ||
			c.Layers[i].Query.Weight.Scale[0] != again.Layers[i].Query.Weight.Scale[0] {
			t.Error("the query projection of the model was scaled, want only that of the file")
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		want   string
		change func(*jpqd.Compressed)
	}{
		{"Config: hidden_size", func(c *jpqd.Compressed) { c.Config.HiddenSize = 0 }},
		{"Layers: found 1, want num_hidden_layers = 2", func(c *jpqd.Compressed) { c.Layers = c.Layers[:1] }},
		{"Embeddings.Word: found 29 × 31, want 29 × 32", func(c *jpqd.Compressed) { c.Embeddings.Word.Cols = 31 }},
		{"Embeddings.Word.I8: found 927 values, want 928", func(c *jpqd.Compressed) { c.Embeddings.Word.I8 = c.Embeddings.Word.I8[1:] }},
		{"Embeddings.Word: found both F32 and I8", func(c *jpqd.Compressed) { c.Embeddings.Word.F32 = make([]float32, 928) }},
		{"Embeddings.TokenType.Scale[1]: found +Inf", func(c *jpqd.Compressed) { c.Embeddings.TokenType.Scale[1] = float32(math.Inf(1)) }},
		{"Embeddings.AddInputs[1]: found range", func(c *jpqd.Compressed) { c.Embeddings.AddInputs[1].Low = nan }},
		{"Embeddings.Norm.Gamma[3]: found NaN", func(c *jpqd.Compressed) { c.Embeddings.Norm.Gamma[3] = nan }},
		{"Layers[0].Heads[0]: found 4, want ascending ids from 0 to 3", func(c *jpqd.Compressed) { c.Layers[0].Heads[0] = 4 }},
		{"Layers[1].Heads[1]: found 0", func(c *jpqd.Compressed) { c.Layers[1].Heads[1] = 0 }},
		{"Layers[0].Query.Bias[2]: found NaN", func(c *jpqd.Compressed) { c.Layers[0].Query.Bias[2] = nan }},
		{"Layers[0].QueryOut.Levels: found 1", func(c *jpqd.Compressed) { c.Layers[0].QueryOut.Levels = 1 }},
		{"Layers[0].KeyOut: found range 1 to 1", func(c *jpqd.Compressed) { c.Layers[0].KeyOut.Low, c.Layers[0].KeyOut.High = 1, 1 }},
		{"Layers[1].Output.Weight: found 32 × 16, want 32 × 24", func(c *jpqd.Compressed) { c.Layers[1].Output.Weight.Cols = 16 }},
		{"Layers[0].Query.Weight: found 8 × 32, want no elements", func(c *jpqd.Compressed) { c.Layers[0].Heads = nil }},
		{"Layers[0].FFNOut.Weight: found 32 × 23, want 32 × 22", func(c *jpqd.Compressed) {
			l := &c.Layers[0]
			l.Neurons, l.FFNIn.Weight.Rows, l.FFNIn.Weight.Scale = l.Neurons[1:], 22, l.FFNIn.Weight.Scale[1:]
			l.FFNIn.Weight.I8, l.FFNIn.Bias = l.FFNIn.Weight.I8[32:], l.FFNIn.Bias[1:]
		}},
		{"Pooler.Bias: found 0 values, want 32", func(c *jpqd.Compressed) { c.Pooler.Bias = nil }},
		{"Classifier.Weight: found 3 × 32, want 2 × 32", func(c *jpqd.Compressed) { c.Config.Labels = c.Config.Labels[:2] }},
	} {
		c := testmodel.Named("int8 pruned", 1)
		test.change(c)
		dir := t.TempDir()
		err := Write(dir, c, Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("found error %v, want %q", err, test.want)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%q: found files %v after the error, want none", test.want, files)
		}
	}
}

func TestWriteToNoFolder(t *testing.T) {
	dir := t.TempDir()
	c := testmodel.Named("float", 1)
	if err := Write(filepath.Join(dir, "absent"), c, Options{}); err == nil {
		t.Error("found no error for an absent folder")
	}
	if err := os.Mkdir(filepath.Join(dir, XMLName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, c, Options{}); err == nil || !strings.Contains(err.Error(), "found a folder") {
		t.Errorf("found error %v, want one about the folder in place of the file", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("found %v, want only the folder", files)
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"float", "int8 pruned"} {
		if err := Write(dir, testmodel.Named(name, 1), Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(filepath.Join(dir, XMLName)); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("found %v, want the two files", files)
	}
}
