package jpqd

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
)

// batchOf is what an observer sees: rows of 2 values and where sequences begin.
type batchOf struct {
	x       []float32
	offsets []int
}

// Two batches: sequences of two rows and one row, then one of one row.
var observed = []batchOf{
	{[]float32{-1, 2, 3, 0, -5, 1}, []int{0, 2, 3}},
	{[]float32{4, -2}, []int{0, 1}},
}

func TestObserversOfActivations(t *testing.T) {
	percentile := func(low, high float64) RangeInit {
		return RangeInit{Type: "percentile", MinPercentile: low, MaxPercentile: high}
	}
	tests := []struct {
		name      string
		init      RangeInit
		symmetric bool
		low, high float32
	}{
		{"min_max", RangeInit{Type: "min_max"}, false, -5, 4},
		{"min_max, of magnitudes", RangeInit{Type: "min_max"}, true, -5, 5},
		{"mean_min_max", RangeInit{Type: "mean_min_max"}, false, -3.5, 3.5}, // −5 and −2, 3 and 4
		{"mean_min_max, of magnitudes", RangeInit{Type: "mean_min_max"}, true, -3.5, 4.5},
		// Samples −1…3, −5…1 and −2…4.
		{"mixed_min_max", RangeInit{Type: "mixed_min_max"}, false, -8.0 / 3, 8.0 / 3},
		{"mixed_min_max, of magnitudes", RangeInit{Type: "mixed_min_max"}, true, -5, 12.0 / 3},
		// −5 −2 −1 0 1 2 3 4
		{"percentile", percentile(10, 90), false, -2.9, 3.3}, // positions 0.7 and 6.3
		{"percentile, all", percentile(0, 100), true, -5, 4},
		// The same ranks, 0 and 1: −5 + 0.07·3 and −5 + 0.14·3.
		{"percentile, one gap", percentile(1, 2), false, -4.79, -4.58},
		// First batch −5 −1 0 1 2 3, second −2 4.
		{"mean_percentile", RangeInit{Type: "mean_percentile", MinPercentile: 10, MaxPercentile: 90}, false, (-3 - 1.4) / 2, (2.5 + 3.4) / 2},
		// Median ½, distances ½ ½ 1½ 1½ 2½ 2½ 3½ 5½ with median 2.
		{"threesigma", RangeInit{Type: "threesigma"}, false, 0.5 - 6*1.4826230, 0.5 + 6*1.4826230},
	}
	// An even number of values, then an odd one, all in one batch.
	for _, test := range []struct {
		name      string
		x         []float32
		low, high float32
	}{
		{"threesigma of one batch", []float32{-1, 2, 3, 0, -5, 1, 4, -2}, 0.5 - 6*1.4826230, 0.5 + 6*1.4826230},
		// Median 1, distances 0 1 3 with median 1.
		{"threesigma of an odd number", []float32{4, 0, 1}, 1 - 3*1.4826230, 1 + 3*1.4826230},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newValueObserver(&RangeInit{Type: "threesigma"}, 1, 1)
			o.observe(test.x, 1, len(test.x))
			if low, high := o.bounds(); o.again() || !near(low[0], test.low, 1e-6) || !near(high[0], test.high, 1e-6) {
				t.Errorf("found %v to %v, want %v to %v after one pass", low[0], high[0], test.low, test.high)
			}
		})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var offsets []int
			q := newQuantizer(func(q *quantizer) { q.symmetric = test.symmetric })
			o := newObserver(&test.init, q, len(observed), func() []int { return offsets })
			for again := true; again; again = o.again() {
				for _, b := range observed {
					offsets = b.offsets
					o.observe(b.x, len(b.x)/2, 2)
				}
			}
			low, high := o.bounds()
			if len(low) != 1 || !near(low[0], test.low, 1e-6) || !near(high[0], test.high, 1e-6) {
				t.Errorf("found %v to %v, want %v to %v", low, high, test.low, test.high)
			}
		})
	}
}

// A quantizer of two tensors sees both in its one batch; their values count as one.
func TestObserverOfTwoTensorsABatch(t *testing.T) {
	for kind, want := range map[string][2]float32{
		"percentile": {-2.9, 3.3}, "threesigma": {0.5 - 6*1.4826230, 0.5 + 6*1.4826230},
	} {
		o := newValueObserver(&RangeInit{Type: kind, MinPercentile: 10, MaxPercentile: 90}, 1, 1)
		passes := 0
		for again := true; again; again = o.again() {
			for _, b := range observed {
				o.observe(b.x, len(b.x)/2, 2)
			}
			passes++
		}
		low, high := o.bounds()
		if !near(low[0], want[0], 1e-6) || !near(high[0], want[1], 1e-6) {
			t.Errorf("%s: found %v to %v after %d passes, want %v", kind, low[0], high[0], passes, want)
		}
	}
}

func TestObserversOfWeights(t *testing.T) {
	w := []float32{1, -2, 4, 8, 0.5, 0.25, 0, -0.25}
	for _, test := range []struct {
		kind      string
		low, high [2]float32
	}{
		{"min_max", [2]float32{-2, -0.25}, [2]float32{8, 0.5}},
		{"mean_min_max", [2]float32{-2, -0.25}, [2]float32{8, 0.5}},
		{"mixed_min_max", [2]float32{-2, -0.25}, [2]float32{8, 0.5}},
		// −2 1 4 8 and −¼ 0 ¼ ½ at positions 0.3 and 2.7.
		{"percentile", [2]float32{-1.1, -0.175}, [2]float32{6.8, 0.425}},
		{"mean_percentile", [2]float32{-1.1, -0.175}, [2]float32{6.8, 0.425}},
		// Medians 2½ and ⅛, distances 4½ 1½ 1½ 5½ and ⅜ ⅛ ⅛ ⅜.
		{"threesigma", [2]float32{2.5 - 9*1.4826230, 0.125 - 0.75*1.4826230}, [2]float32{2.5 + 9*1.4826230, 0.125 + 0.75*1.4826230}},
	} {
		t.Run(test.kind, func(t *testing.T) {
			q := newQuantizer(func(q *quantizer) {
				q.weight, q.channels, q.forced = autograd.NewParam("w", 2, 4), 2, pointerTo(true)
			})
			o := newObserver(&RangeInit{Type: test.kind, MinPercentile: 10, MaxPercentile: 90}, q, 1, func() []int { return nil })
			o.observe(w, 2, 4)
			low, high := o.bounds()
			for c := range 2 {
				if !near(low[c], test.low[c], 1e-6) || !near(high[c], test.high[c], 1e-6) {
					t.Errorf("row %d: found %v to %v, want %v to %v", c, low[c], high[c], test.low[c], test.high[c])
				}
			}
		})
	}
}

func TestSetSymmetricRange(t *testing.T) {
	tests := []struct {
		name      string
		low, high []float32
		forced    *bool
		scale     []float32
		signed    bool
	}{
		{"positive values are unsigned", []float32{0.2}, []float32{3}, nil, []float32{3}, false},
		{"zero is not negative", []float32{0}, []float32{3}, nil, []float32{3}, false},
		{"signed, the larger magnitude", []float32{-4}, []float32{3}, nil, []float32{4}, true},
		{"signed by configuration", []float32{1}, []float32{3}, pointerTo(true), []float32{3}, true},
		{"unsigned by configuration", []float32{-1}, []float32{3}, pointerTo(false), []float32{3}, false},
		{"one channel's negative values give all a sign", []float32{0.2, -1}, []float32{3, 2}, nil, []float32{3, 2}, true},
		{"the floor, channel by channel", []float32{-0.05, -0.3, 0, -0.1}, []float32{0.099, 0.2, 0, 0.1}, pointerTo(true), []float32{0.1, 0.3, 0.1, 0.1}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := newQuantizer(func(q *quantizer) {
				q.forced, q.channels = test.forced, len(test.low)
				if q.channels > 1 {
					q.weight = autograd.NewParam("w", q.channels, 1)
				}
			})
			if err := q.setRange(test.low, test.high); err != nil {
				t.Fatal(err)
			}
			for c, want := range test.scale {
				if q.scale.Data[c] != want {
					t.Errorf("scale %d: found %v, want %v", c, q.scale.Data[c], want)
				}
			}
			if q.signed != test.signed {
				t.Errorf("found signed %v, want %v", q.signed, test.signed)
			}
		})
	}
}

func TestSetAsymmetricRange(t *testing.T) {
	q := newQuantizer(func(q *quantizer) { q.symmetric, q.channels = false, 3 })
	q.inputLow, q.inputSpan = autograd.NewParam("low", 3), autograd.NewParam("range", 3)
	if err := q.setRange([]float32{-1, 0.5, 0.25}, []float32{9, 0.5, 0.5}); err != nil {
		t.Fatal(err)
	}
	// 1 % of the widest range 10 is 0.1.
	for c, want := range [][2]float32{{-1, 10}, {0.45, 0.1}, {0.25, 0.25}} {
		if !near(q.inputLow.Data[c], want[0], 1e-6) || !near(q.inputSpan.Data[c], want[1], 1e-6) {
			t.Errorf("channel %d: found low %v, range %v, want %v", c, q.inputLow.Data[c], q.inputSpan.Data[c], want)
		}
	}
}

// What is trained is the logarithm of the same floors; eᵖ is the value itself.
// A range of zero cannot have one, and is NNCF's 1e-16 instead.
func TestSetRangeOfLogarithms(t *testing.T) {
	symmetric := newQuantizer(func(q *quantizer) {
		q.weight, q.channels, q.logarithm, q.forced = autograd.NewParam("w", 3, 1), 3, true, pointerTo(true)
	})
	if err := symmetric.setRange([]float32{-2, -0.05, 0}, []float32{1, 0.01, 8}); err != nil {
		t.Fatal(err)
	}
	for c, want := range []float32{2, 0.1, 8} {
		if got := symmetric.scale.Data[c]; !near(got, float32(math.Log(float64(want))), 1e-6) || !near(symmetric.magnitude(symmetric.scale, c), want, 1e-6) {
			t.Errorf("scale %d: found e^%v, want %v", c, got, want)
		}
	}
	for _, test := range []struct{ low, high, input, span float32 }{{-1, 3, -1, 4}, {5, 5, 5, 1e-16}} {
		q := newQuantizer(func(q *quantizer) { q.symmetric, q.logarithm = false, true })
		if err := q.setRange([]float32{test.low}, []float32{test.high}); err != nil {
			t.Fatal(err)
		}
		if got := q.magnitude(q.inputSpan, 0); !near(got/test.span, 1, 1e-5) || q.inputLow.Data[0] != test.input {
			t.Errorf("%v to %v: found low %v, range %v, want %v, %v", test.low, test.high, q.inputLow.Data[0], got, test.input, test.span)
		}
	}
}

// Start values without samples: scale 1 and unsigned, low 0 and range 1, and so
// it is where logarithms are trained, of 1.
func TestStartValues(t *testing.T) {
	for _, logarithm := range []bool{false, true} {
		for _, symmetric := range []bool{true, false} {
			q := newQuantizer(func(q *quantizer) { q.symmetric, q.logarithm = symmetric, logarithm })
			q.update()
			if q.low[0] != 0 || q.high[0] != 1 || q.signed {
				t.Errorf("logarithm %v, symmetric %v: found %v to %v, signed %v, want 0 to 1, unsigned", logarithm, symmetric, q.low[0], q.high[0], q.signed)
			}
			if want := map[bool]float32{true: 0, false: 1}[logarithm]; q.magnitudeParam().Data[0] != want {
				t.Errorf("found parameter %v, want %v", q.magnitudeParam().Data[0], want)
			}
		}
	}
}

// A weight's statistics are those of what its mask leaves of it.
func TestRangeOfMaskedWeight(t *testing.T) {
	w := autograd.NewParam("w", 2, 3)
	copy(w.Data, []float32{-9, 1, 2, 3, 4, 9})
	q := newQuantizer(func(q *quantizer) { q.weight, q.channels, q.symmetric = w, 2, false })
	q.observer = newObserver(&RangeInit{Type: "min_max"}, q, 1, nil)
	if err := q.observed([]float32{0, 1, 1, 1, 1, 0}); err != nil {
		t.Fatal(err)
	}
	for c, want := range [][2]float32{{0, 2}, {0, 4}} {
		if q.inputLow.Data[c] != want[0] || q.inputSpan.Data[c] != want[1] {
			t.Errorf("row %d: found low %v, range %v, want %v", c, q.inputLow.Data[c], q.inputSpan.Data[c], want)
		}
	}
}

func TestSetRangeOfNonFiniteStatistics(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, symmetric := range []bool{true, false} {
		for _, pair := range [][2]float32{{nan, 1}, {0, nan}, {-inf, 1}, {0, inf}} {
			q := newQuantizer(func(q *quantizer) { q.name, q.symmetric = "some.node", symmetric })
			err := q.setRange([]float32{pair[0]}, []float32{pair[1]})
			if err == nil || !strings.Contains(err.Error(), "some.node") {
				t.Errorf("%v: found error %v, want one that names the quantizer", pair, err)
			}
		}
	}
}

// One NaN among many values must not be lost on the way to the statistics, as
// torch's extremes do not lose it; neither an infinity that is an extreme.
func TestObserversKeepNonFiniteValues(t *testing.T) {
	for _, test := range []struct {
		kind string
		bad  float64
	}{
		{"percentile", math.NaN()}, {"mean_percentile", math.NaN()}, {"threesigma", math.NaN()},
		{"min_max", math.NaN()}, {"min_max", math.Inf(1)}, {"min_max", math.Inf(-1)},
		{"mean_min_max", math.NaN()}, {"mixed_min_max", math.NaN()},
	} {
		t.Run(fmt.Sprint(test.kind, test.bad), func(t *testing.T) {
			x := make([]float32, 30000)
			x[77] = float32(test.bad)
			q := newQuantizer(func(q *quantizer) { q.symmetric = false })
			for _, batches := range []int{1, 2} {
				o := newObserver(&RangeInit{Type: test.kind, MinPercentile: 1, MaxPercentile: 99}, q, batches, func() []int { return nil })
				for again := true; again; again = o.again() {
					for range batches {
						o.observe(x, 300, 100)
					}
				}
				if err := q.setRange(o.bounds()); err == nil {
					t.Errorf("%d batches: found no error", batches)
				}
			}
		})
	}
}
