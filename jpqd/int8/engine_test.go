package int8_test

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// run returns the logits of a batch in a workspace of its own.
func run(tb testing.TB, e *int8.Engine, b *bert.Batch) []float32 {
	tb.Helper()
	config := e.Config()
	n := b.Len()
	if config.QuestionAnswering() {
		n = b.Rows()
	}
	logits := make([]float32, n*config.NumLabels())
	if err := e.Logits(e.NewWorkspace(), b, logits); err != nil {
		tb.Fatal(err)
	}
	return logits
}

func engine(tb testing.TB, c *jpqd.Compressed) *int8.Engine {
	tb.Helper()
	e, err := int8.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// forms are the models that tests run on.
func forms() map[string]form {
	dense := tinyForm([]int{4, 4}, []int{24, 24})
	pruned := tinyForm([]int{3, 1}, []int{7, 15})
	weightsOnly, inputsOnly, noOperands, shared := pruned, pruned, pruned.quantized(), pruned.quantized()
	weightsOnly.weights, inputsOnly.inputs = true, true
	noOperands.operands, noOperands.sums = false, false
	shared.shared = true
	long := pruned
	long.positions = 300
	zeroPoints, pooled := pruned.quantized(), pruned
	zeroPoints.zeroPoints = true
	pooled.pooled = 5
	smooth, smoothFloats, smoothAnswers := pruned.quantized(), inputsOnly, shared
	smooth.smooth, smoothFloats.smooth, smoothAnswers.smooth, smoothAnswers.answering = true, true, true, true
	all := map[string]form{
		"float":                        dense,
		"float pruned":                 pruned,
		"float without heads":          tinyForm([]int{0, 2}, []int{24, 3}),
		"float last without heads":     tinyForm([]int{2, 0}, []int{3, 24}),
		"float without neurons":        tinyForm([]int{4, 1}, []int{0, 0}),
		"float with nothing left":      tinyForm([]int{0, 0}, []int{0, 0}),
		"float long":                   long,
		"float one layer":              tinyForm([]int{2}, []int{5}),
		"quantized":                    dense.quantized(),
		"quantized pruned":             pruned.quantized(),
		"quantized shared inputs":      shared,
		"quantized without operands":   noOperands,
		"quantized weights alone":      weightsOnly,
		"quantized inputs alone":       inputsOnly,
		"quantized one layer":          tinyForm([]int{2}, []int{5}).quantized(),
		"quantized without heads":      tinyForm([]int{0, 2}, []int{24, 3}).quantized(),
		"quantized last without heads": tinyForm([]int{2, 0}, []int{3, 24}).quantized(),
		"quantized without neurons":    tinyForm([]int{4, 1}, []int{0, 0}).quantized(),
		"quantized with nothing left":  tinyForm([]int{0, 0}, []int{0, 0}).quantized(),
		"quantized with zero points":   zeroPoints,
		"quantized smoothly":           smooth,
		"quantized smoothly, answers":  smoothAnswers,
		"quantized inputs, smoothly":   smoothFloats,
		"float pruned pooler":          pooled,
		"quantized pruned pooler":      pooled.quantized(),
	}
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		for _, f := range []form{pruned, zeroPoints, tinyForm([]int{0, 2}, []int{24, 0}).quantized()} {
			f.family = family
			kind := family
			switch {
			case f.keptHeads[0] == 0:
				kind += " quantized without heads"
			case f.zeroPoints:
				kind += " quantized"
			}
			all[kind] = f
			f.answering = true
			all[kind+" answering"] = f
		}
	}
	return all
}

func (f form) hasQuantizers() bool { return f.inputs || f.operands || f.sums || f.others }

func (f form) lengths() []int {
	if f.positions > 100 {
		return []int{300, 1, 129}
	}
	return []int{3, 1, 6}
}

// TestLogits compares with the reference. A value that lies on a rounding
// boundary of its quantizer within float32's error may be rounded either way;
// models and batches are drawn until the reference finds none.
func TestLogits(t *testing.T) {
	const margin, draws = 1e-4, 200
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(draws) {
				r := &reference{model: randomModel(f, seed)}
				b := randomBatch(f, seed, f.lengths()...)
				want := r.logits(b)
				if f.hasQuantizers() && r.margin < margin {
					continue
				}
				compare(t, f, run(t, engine(t, r.model), b), want)
				return
			}
			t.Fatalf("every one of %d models has a value within %v of a rounding boundary", draws, margin)
		})
	}
}

// compare wants 1e-4 where there are quantizers, else 1e-5 of the largest logit.
func compare(t *testing.T, f form, got []float32, want []float64) {
	t.Helper()
	tolerance := 1e-4
	if !f.hasQuantizers() {
		tolerance = 0
		for _, v := range want {
			tolerance = max(tolerance, 1e-5*math.Abs(v))
		}
	}
	for i, v := range want {
		if !(math.Abs(float64(got[i])-v) <= tolerance) {
			t.Errorf("logit %d: found %v, want %v ± %.1e", i, got[i], v, tolerance)
		}
	}
}

// TestLogitsOfAlone wants every sequence to have the same logits, bit for bit,
// alone and among others; there are more than run through the model at a time.
func TestLogitsOfAlone(t *testing.T) {
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			e := engine(t, randomModel(f, 3))
			b := randomBatch(f, 3, append([]int{5, 12, 1, 7, 12, 2, 3, 9}, repeated(150, 12)...)...)
			all := run(t, e, b)
			for s := range b.Len() {
				alone := &bert.Batch{}
				alone.Append(b.IDs[b.Offsets[s]:b.Offsets[s+1]], b.TypeIDs[b.Offsets[s]:b.Offsets[s+1]])
				first, end := 3*s, 3*s+3
				if f.answering {
					first, end = 2*b.Offsets[s], 2*b.Offsets[s+1]
				}
				if got, want := run(t, e, alone), all[first:end]; !slices.Equal(got, want) {
					t.Errorf("sequence %d: found %v alone, %v in the batch", s, got, want)
				}
			}
		})
	}
}

// wideForm has tensors large enough to be shared among threads.
func wideForm() form {
	return form{hidden: 96, heads: 6, intermediate: 384, vocab: 100, positions: 160, keptHeads: []int{5, 0, 6, 3}, keptNeurons: []int{300, 384, 0, 33}}
}

func TestLogitsOfThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	answering := wideForm().quantized()
	answering.answering = true
	for name, f := range map[string]form{"float": wideForm(), "quantized": wideForm().quantized(), "answering": answering} {
		e, b := engine(t, randomModel(f, 5)), randomBatch(f, 5, 40, 150, 9, 64, 1)
		var want []float32
		for _, threads := range []int{1, 2, 4} {
			runtime.GOMAXPROCS(threads)
			got := run(t, e, b)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d threads: found %v, want %v as with one", name, threads, got, want)
			}
		}
	}
}

// TestConcurrentCalls is for the race detector.
func TestConcurrentCalls(t *testing.T) {
	f := wideForm().quantized()
	e := engine(t, randomModel(f, 6))
	batches := []*bert.Batch{randomBatch(f, 1, 30, 2, 100), randomBatch(f, 2, 64), randomBatch(f, 3, 7, 7, 80)}
	var wg sync.WaitGroup
	for _, b := range batches {
		want := run(t, e, b)
		wg.Go(func() {
			w, logits := e.NewWorkspace(), make([]float32, len(want))
			for range 5 {
				if err := e.Logits(w, b, logits); err != nil || !slices.Equal(logits, want) {
					t.Errorf("found %v, %v, want %v", logits, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestWorkspaceReuse runs batches of all sizes in one workspace, which must not
// remember anything.
func TestWorkspaceReuse(t *testing.T) {
	f := tinyForm([]int{3, 1}, []int{7, 15}).quantized()
	e := engine(t, randomModel(f, 8))
	w := e.NewWorkspace()
	for i, lengths := range [][]int{{3}, {12, 12, 12}, {1}, {}, {2, 12, 5}} {
		b := randomBatch(f, uint64(i), lengths...)
		got := make([]float32, 3*len(lengths))
		if err := e.Logits(w, b, got); err != nil {
			t.Fatal(err)
		}
		if want := run(t, e, b); !slices.Equal(got, want) {
			t.Errorf("lengths %v: found %v, want %v as in a new workspace", lengths, got, want)
		}
	}
}

func TestLogitsAllocateNothing(t *testing.T) {
	answering := wideForm().quantized()
	answering.answering = true
	for name, f := range map[string]form{"float": wideForm(), "quantized": wideForm().quantized(), "answering": answering} {
		e := engine(t, randomModel(f, 9))
		large, small := randomBatch(f, 9, 40, 150, 9), randomBatch(f, 10, 4, 60, 9)
		w, logits := e.NewWorkspace(), make([]float32, e.NumLogits(large))
		if n := testing.AllocsPerRun(10, func() {
			for _, b := range []*bert.Batch{large, small} {
				if err := e.Logits(w, b, logits[:e.NumLogits(b)]); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: found %v allocations a call, want none", name, n)
		}
	}
}

// The engine keeps its packed weights, not those of the model besides.
func TestModelIsNotKept(t *testing.T) {
	for _, f := range []form{bertTiny, bertTiny.quantized()} {
		m := randomModel(f, 1)
		model, e := weak.Make(m), engine(t, m)
		m = nil
		runtime.GC()
		if model.Value() != nil {
			t.Error("the model is still in memory")
		}
		runtime.KeepAlive(e)
	}
}
