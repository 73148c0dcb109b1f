package int8_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/kernels"
)

// fakeHook quantizes an operand of a bert.Model to a range.
type fakeHook struct{ *jpqd.ActivationRange }

func (h fakeHook) Transform(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	y := t.New(x.Rows, x.Cols, x)
	kernels.FakeQuantize(1, len(x.Data), x.Data, []float32{h.Low}, []float32{h.High - h.Low}, h.Levels, y.Data)
	return y
}

func hook(r *jpqd.ActivationRange) bert.OperandHook {
	if r == nil {
		return nil
	}
	return fakeHook{r}
}

func hooks(pair [2]*jpqd.ActivationRange) [2]bert.OperandHook {
	return [2]bert.OperandHook{hook(pair[0]), hook(pair[1])}
}

// trainingModel is the bert.Model that an unpruned c came from.
func trainingModel(c *jpqd.Compressed) *bert.Model {
	m := bert.New(c.Config, 1)
	fill := func(p *autograd.Param, w *jpqd.CompressedMatrix, first int) {
		for i := range w.Rows {
			for j, v := range matrixRow(w, i) {
				p.Data[(first+i)*w.Cols+j] = float32(v)
			}
		}
	}
	linear := func(l *bert.Linear, from *jpqd.CompressedLinear) {
		fill(l.Weight, &from.Weight, 0)
		copy(l.Bias.Data, from.Bias)
		l.Input = hook(from.Input)
	}
	norm := func(n *bert.LayerNorm, from *jpqd.CompressedNorm) {
		copy(n.Weight.Data, from.Gamma)
		copy(n.Bias.Data, from.Beta)
		n.Input = hook(from.Input)
	}
	e := &c.Embeddings
	fill(m.Word.Weight, &e.Word, 0)
	fill(m.Position.Weight, &e.Position, c.Config.PositionOffset())
	if m.TokenType != nil {
		fill(m.TokenType.Weight, &e.TokenType, 0)
		m.SumTypes.Hooks = hooks(e.AddTypes)
	}
	m.SumPositions.Hooks = hooks(e.AddInputs)
	norm(m.EmbeddingNorm, &e.Norm)
	for i, l := range m.Layers {
		from := &c.Layers[i]
		linear(l.Query, &from.Query)
		linear(l.Key, &from.Key)
		linear(l.Value, &from.Value)
		l.Scores.Hooks = hooks([2]*jpqd.ActivationRange{from.QueryOut, from.KeyOut})
		l.Scale.Hooks[0], l.MaskAdd.Hooks[0] = hook(from.ScaleIn), hook(from.ScoresIn)
		l.Context.Hooks = hooks([2]*jpqd.ActivationRange{from.ProbsOut, from.ValueOut})
		linear(l.AttentionOutput, &from.Output)
		l.AttentionAdd.Hooks = hooks(from.AttentionAdd)
		norm(l.AttentionNorm, &from.AttentionNorm)
		linear(l.Intermediate, &from.FFNIn)
		linear(l.Output, &from.FFNOut)
		l.OutputAdd.Hooks = hooks(from.OutputAdd)
		norm(l.OutputNorm, &from.OutputNorm)
	}
	if m.Pooler != nil {
		linear(m.Pooler, &c.Pooler)
	}
	linear(m.Classifier, &c.Classifier)
	m.Logits.Hooks[0] = hook(c.Logits)
	return m
}

// evaluateIR writes a model, reads it back and runs a batch.
func evaluateIR(t *testing.T, c *jpqd.Compressed, b *bert.Batch) []float32 {
	t.Helper()
	return runIR(t, throughIR(t, c), c, b)
}

// throughIR writes a model and reads it back.
func throughIR(t *testing.T, c *jpqd.Compressed) *ir.Model {
	t.Helper()
	dir := t.TempDir()
	if err := ir.Write(dir, c, ir.Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := ir.Read(filepath.Join(dir, ir.XMLName))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// runIR runs a batch, padded. The order of the logits is the engine's.
func runIR(t *testing.T, m *ir.Model, c *jpqd.Compressed, b *bert.Batch) []float32 {
	t.Helper()
	length := 0
	for s := range b.Len() {
		length = max(length, b.Offsets[s+1]-b.Offsets[s])
	}
	inputs := map[string]*ir.Tensor{}
	for _, name := range m.Inputs() {
		inputs[name] = &ir.Tensor{Type: ir.I64, Shape: []int{b.Len(), length}, I64: make([]int64, b.Len()*length)}
	}
	set := func(name string, at int, v int64) {
		if in := inputs[name]; in != nil {
			in.I64[at] = v
		}
	}
	for s := range b.Len() {
		for p, row := 0, b.Offsets[s]; row < b.Offsets[s+1]; p, row = p+1, row+1 {
			set("input_ids", s*length+p, int64(b.IDs[row]))
			set("token_type_ids", s*length+p, int64(b.TypeIDs[row]))
			set("attention_mask", s*length+p, 1)
		}
	}
	out, err := m.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Config.QuestionAnswering() {
		return out["logits"].F32
	}
	var logits []float32
	for s := range b.Len() {
		for p := range b.Offsets[s+1] - b.Offsets[s] {
			logits = append(logits, out["start_logits"].F32[s*length+p], out["end_logits"].F32[s*length+p])
		}
	}
	return logits
}

// TestModelEngineAndIR wants the same logits of the model in training, of the
// engine and of the IR, for every family and head, with every quantizer and
// with none.
func TestModelEngineAndIR(t *testing.T) {
	const margin, draws, tolerance = 1e-4, 400, 1e-4
	dense := tinyForm([]int{4, 4}, []int{24, 24})
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		for _, answering := range []bool{false, true} {
			for _, quantized := range []bool{false, true} {
				f, name := dense, family
				if quantized {
					f, name = f.quantized(), name+" quantized"
					f.zeroPoints = true
				}
				if f.family, f.answering = family, answering; answering {
					name += " answering"
				}
				t.Run(name, func(t *testing.T) { compareAll(t, f, margin, draws, tolerance) })
			}
		}
	}
}

func compareAll(t *testing.T, f form, margin float64, draws uint64, tolerance float64) {
	for seed := range draws {
		r := &reference{model: randomModel(f, seed)}
		b := randomBatch(f, seed, f.lengths()...)
		want := r.logits(b)
		if f.hasQuantizers() && r.margin < margin {
			continue
		}
		m, tape := trainingModel(r.model), autograd.NewTape()
		if err := m.Check(b); err != nil {
			t.Fatal(err)
		}
		tape.Begin(autograd.Inference, 0, 0)
		for name, got := range map[string][]float32{
			"model": m.Forward(tape, b).Data, "engine": run(t, engine(t, r.model), b), "IR": evaluateIR(t, r.model, b),
		} {
			if len(got) != len(want) {
				t.Fatalf("%s: found %d logits, want %d", name, len(got), len(want))
			}
			for i := range want {
				if math.Abs(float64(got[i])-want[i]) > tolerance {
					t.Errorf("%s: logit %d: found %v, want %v", name, i, got[i], want[i])
				}
			}
		}
		return
	}
	t.Fatalf("every one of %d models has a value within %v of a rounding boundary", draws, margin)
}
