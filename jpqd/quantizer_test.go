package jpqd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
)

// newQuantizer makes a symmetric activation quantizer, changed by edit.
func newQuantizer(edit func(*quantizer)) *quantizer {
	q := &quantizer{name: "q", symmetric: true, channels: 1}
	edit(q)
	q.init()
	for _, p := range q.params() {
		p.Grad = make([]float32, len(p.Data))
	}
	return q
}

func TestIntegerLevels(t *testing.T) {
	w := autograd.NewParam("w", 2, 2)
	tests := []struct {
		name      string
		edit      func(*quantizer)
		low, high float64
		levels    int
	}{
		{"weight with overflow_fix", func(q *quantizer) { q.weight, q.halfRange, q.signed = w, true, true }, -64, 63, 128},
		{"weight without", func(q *quantizer) { q.weight, q.narrow, q.signed = w, true, true }, -127, 127, 255},
		{"symmetric signed", func(q *quantizer) { q.signed = true }, -128, 127, 256},
		{"symmetric unsigned", func(q *quantizer) {}, 0, 255, 256},
		{"asymmetric", func(q *quantizer) { q.symmetric = false }, 0, 255, 256},
	}
	for _, test := range tests {
		low, high, levels := newQuantizer(test.edit).integerLevels()
		if low != test.low || high != test.high || levels != test.levels {
			t.Errorf("%s: found %v to %v, %d levels, want %v to %v, %d", test.name, low, high, levels, test.low, test.high, test.levels)
		}
	}
}

func TestTuneRange(t *testing.T) {
	tests := []struct {
		name                string
		low, span           float32
		tunedLow, tunedHigh float32
	}{
		{"zero is on the grid already", -1, 2.55, -1, 1.55},
		{"zero point 63.75 becomes 64: low moves", -0.5, 2, -1.5 * 64 / 191, 1.5},
		{"zero point 89.25 becomes 89: high moves", -0.7, 2, -0.7, 0.7 * 166 / 89},
		{"all positive", 1, 2, 0, 3},
		{"all negative", -3, 2, -3, 0},
		{"from zero", 0, 1, 0, 1},
		{"to zero", -1, 1, -1, 0},
		{"zero point 0.255 becomes 0, and the wider range is the one that was", -0.001, 1, -0.001, 0.999},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			low, high := tuneRange(test.low, test.span, 256)
			if !near(low, test.tunedLow, 1e-6) || !near(high, test.tunedHigh, 1e-6) {
				t.Errorf("found %v to %v, want %v to %v", low, high, test.tunedLow, test.tunedHigh)
			}
		})
	}
}

// TuneRange's result has zero on its grid, unless the zero point was rounded to
// an end of it, and covers the range but for half a step.
func TestTuneRangePutsZeroOnTheGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 1000 {
		low, span := float32(rng.NormFloat64()), float32(rng.ExpFloat64())+1e-3
		l, h := tuneRange(low, span, 256)
		s := h - l
		zp := float64(-l) * 255 / float64(s)
		if end := math.Min(zp, 255-zp); end > 0.5 && math.Abs(zp-math.Round(zp)) > 1e-3 || l > 0 || l+s < 0 {
			t.Fatalf("range %v + %v: found %v + %v with zero point %v", low, span, l, s, zp)
		}
		step := s / 255
		if l > min(low, 0)+step/2*1.01 || l+s < max(low+span, 0)-step/2*1.01 {
			t.Fatalf("range %v + %v: found %v + %v", low, span, l, s)
		}
	}
}

func TestFakeQuantizeByHand(t *testing.T) {
	x := []float32{0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.6, 127.4, 300, -127.9, -300}
	tests := []struct {
		name string
		q    *quantizer
		want []float32
	}{
		{"signed, steps of 1", newQuantizer(func(q *quantizer) { q.signed = true }), []float32{0, 0, 2, 2, 0, -2, 127, 127, 127, -128, -128}},
		{"unsigned, steps of 127/255", newQuantizer(func(q *quantizer) {}), []float32{0, 1, 3, 5, 0, 0, 254, 255, 255, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.q.scale.Data[0] = 127
			step := float32(1)
			if !test.q.signed {
				step = 127.0 / 255
			}
			got := fakeQuantized(test.q, x, 1, len(x), nil)
			for i, w := range test.want {
				if !near(got[i], w*step, 1e-6) {
					t.Errorf("%v: found %v, want %v", x[i], got[i], w*step)
				}
			}
		})
	}
}

func fakeQuantized(q *quantizer, x []float32, rows, cols int, ids []int32) []float32 {
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	return slices.Clone(q.apply(tape, tape.Constant(rows, cols, x), ids).Data)
}

// quantizerKinds are the kinds that a model has, with channels of 5.
var quantizerKinds = []struct {
	name string
	edit func(*quantizer)
}{
	{"activation, signed", func(q *quantizer) { q.signed = true }},
	{"activation, unsigned", func(q *quantizer) {}},
	{"activation, asymmetric", func(q *quantizer) { q.symmetric = false }},
	{"weight, half range", func(q *quantizer) {
		q.weight, q.channels, q.halfRange, q.forced = autograd.NewParam("w", 5, 9), 5, true, pointerTo(true)
	}},
	{"weight, narrow range", func(q *quantizer) {
		q.weight, q.channels, q.narrow, q.forced = autograd.NewParam("w", 5, 9), 5, true, pointerTo(true)
	}},
	{"weight, per tensor", func(q *quantizer) {
		q.weight, q.narrow, q.forced = autograd.NewParam("w", 5, 9), true, pointerTo(true)
	}},
}

// randomRanges gives a quantizer ranges of both signs of its parameters that
// leave some normal values outside.
func randomRanges(q *quantizer, rng *rand.Rand) {
	for _, p := range q.params() {
		for i := range p.Data {
			p.Data[i] = float32((0.7 + rng.Float64()) * []float64{1, -1}[rng.IntN(2)])
		}
	}
	if !q.symmetric {
		for i := range q.inputLow.Data {
			q.inputLow.Data[i] = -0.3 - rng.Float32()
		}
	}
}

// limits are a channel's low and range by NNCF's formulas.
func limits(q *quantizer, c int) (low, span float64) {
	if !q.symmetric {
		l, h := tuneRange(q.inputLow.Data[c], abs(q.inputSpan.Data[c])+1e-16, 256)
		return float64(l), float64(h - l)
	}
	levelLow, levelHigh, _ := q.integerLevels()
	sigma := math.Abs(float64(q.scale.Data[c])) + 1e-16
	low = sigma * levelLow / levelHigh
	return low, sigma - low
}

func TestFakeQuantizeForwardAndBackward(t *testing.T) {
	const rows, cols = 5, 9
	for _, kind := range quantizerKinds {
		for _, ids := range [][]int32{nil, {3, 0, 3, 3, 1}} {
			q := newQuantizer(kind.edit)
			if ids != nil && q.channels == 1 {
				continue
			}
			t.Run(fmt.Sprint(kind.name, ids), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(6, 6))
				for range 20 {
					randomRanges(q, rng)
					checkFakeQuantize(t, q, rng, rows, cols, ids)
				}
			})
		}
	}
}

// checkFakeQuantize compares one forward and backward pass with the formulas,
// element by element in float64.
func checkFakeQuantize(t *testing.T, q *quantizer, rng *rand.Rand, rows, cols int, ids []int32) {
	t.Helper()
	x := autograd.NewTensor(rows, cols)
	x.Grad = make([]float32, len(x.Data))
	randomFill(rng, x.Data, x.Grad)
	dx := slices.Clone(x.Grad)
	levelLow, levelHigh, levels := q.integerLevels()
	wantLow, wantSpan := make([]float64, q.channels), make([]float64, q.channels)
	for _, p := range q.params() {
		randomFill(rng, p.Grad)
	}
	for c := range q.channels {
		if q.symmetric {
			wantSpan[c] = float64(q.scale.Grad[c])
		} else {
			wantLow[c], wantSpan[c] = float64(q.inputLow.Grad[c]), float64(q.inputSpan.Grad[c])
		}
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Training, 0, 0)
	y := q.apply(tape, x, ids)
	randomFill(rng, y.Grad)
	q.Backward()
	for i, v := range x.Data {
		c := i / cols
		if ids != nil {
			c = int(ids[c])
		}
		if q.channels == 1 {
			c = 0
		}
		low, span := limits(q, c)
		s := float64(levels-1) / span
		clamped := min(max(float64(v), low), low+span)
		want := (math.RoundToEven((clamped-low)*s - math.RoundToEven(-low*s))) / s
		if d := math.Abs(float64(y.Data[i]) - want); d > 1e-5 {
			t.Fatalf("forward of %v, %v + %v: found %v, want %v", v, low, span, y.Data[i], want)
		}
		g := float64(y.Grad[i])
		sign := 1.0
		if p := q.params(); p[len(p)-1].Data[c] < 0 {
			sign = -1
		}
		switch {
		case float64(v) < low:
			wantLow[c] += g
			if q.symmetric {
				wantSpan[c] += sign * g * levelLow / levelHigh
			}
		case float64(v) > low+span:
			wantLow[c] += g
			wantSpan[c] += sign * g
		default:
			dx[i] += y.Grad[i]
			wantSpan[c] += sign * g * (want - float64(v)) / span
		}
	}
	for i := range dx {
		if !near(x.Grad[i], dx[i], 1e-6) {
			t.Errorf("dx[%d]: found %v, want %v", i, x.Grad[i], dx[i])
		}
	}
	for c := range q.channels {
		if q.symmetric {
			if !near(q.scale.Grad[c], float32(wantSpan[c]), 1e-5) {
				t.Errorf("d scale[%d]: found %v, want %v", c, q.scale.Grad[c], wantSpan[c])
			}
			continue
		}
		if !near(q.inputLow.Grad[c], float32(wantLow[c]), 1e-5) || !near(q.inputSpan.Grad[c], float32(wantSpan[c]), 1e-5) {
			t.Errorf("d low, d range: found %v, %v, want %v, %v", q.inputLow.Grad[c], q.inputSpan.Grad[c], wantLow[c], wantSpan[c])
		}
	}
}

func TestGradientOfScaleByHand(t *testing.T) {
	for _, sign := range []float32{1, -1} {
		q := newQuantizer(func(q *quantizer) { q.signed = true })
		q.scale.Data[0] = sign * 127
		x := autograd.NewTensor(1, 3)
		x.Grad = make([]float32, 3)
		copy(x.Data, []float32{0.3, 200, -300})
		tape := autograd.NewTape()
		tape.Begin(autograd.Training, 0, 0)
		copy(q.apply(tape, x, nil).Grad, []float32{2, 3, 5})
		q.Backward()
		if !slices.Equal(x.Grad, []float32{2, 0, 0}) {
			t.Errorf("dx: found %v, want [2 0 0]", x.Grad)
		}
		want := sign * (2*(0-0.3)/255 + 3*1 + 5*-128.0/127)
		if !near(q.scale.Grad[0], want, 1e-6) {
			t.Errorf("d scale: found %v, want %v", q.scale.Grad[0], want)
		}
	}
}

func TestZeroStaysZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, kind := range quantizerKinds {
		for range 20 {
			q := newQuantizer(kind.edit)
			randomRanges(q, rng)
			for _, v := range fakeQuantized(q, make([]float32, 45), 5, 9, nil) {
				if v != 0 {
					t.Fatalf("%s, parameters %v: found %v, want 0", kind.name, q.params()[0].Data, v)
				}
			}
		}
	}
}

// What is deployed, integers and a scale per row, is what was trained.
func TestIntegersAreTheFakeQuantizedWeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, kind := range quantizerKinds[3:] {
		q := newQuantizer(kind.edit)
		randomRanges(q, rng)
		w := make([]float32, 45)
		randomFill(rng, w)
		i8, scale, _ := q.integers(w, 5, 9)
		low, high, _ := q.integerLevels()
		for i, y := range fakeQuantized(q, w, 5, 9, nil) {
			if got := float32(i8[i]) * scale[i/9]; !near(got, y, 1e-6) || float64(i8[i]) < low || float64(i8[i]) > high {
				t.Errorf("%s: found %d·%v = %v, want %v", kind.name, i8[i], scale[i/9], got, y)
			}
		}
	}
}
