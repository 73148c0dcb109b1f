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
		{"unsigned weight", func(q *quantizer) { q.weight, q.narrow = w, true }, 0, 254, 255},
		{"asymmetric weight with overflow_fix", func(q *quantizer) { q.weight, q.halfRange, q.symmetric = w, true, false }, 0, 127, 128},
		{"asymmetric weight without", func(q *quantizer) { q.weight, q.symmetric = w, false }, 0, 255, 256},
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
		{"zero point 2.5 becomes 2, the even one: high moves", -2.5, 255, -2.5, 2.5 * 253 / 2},
		{"zero point 3.5 becomes 4: low moves", -3.5, 255, -251.5 * 4 / 251, 251.5},
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
	{"weight, unsigned", func(q *quantizer) {
		q.weight, q.channels, q.narrow = autograd.NewParam("w", 5, 9), 5, true
	}},
	{"weight, asymmetric", func(q *quantizer) {
		q.weight, q.channels, q.symmetric = autograd.NewParam("w", 5, 9), 5, false
	}},
	{"weight, asymmetric, half range", func(q *quantizer) {
		q.weight, q.channels, q.symmetric, q.halfRange = autograd.NewParam("w", 5, 9), 5, false, true
	}},
	{"weight, logarithm", func(q *quantizer) {
		q.weight, q.channels, q.halfRange, q.forced, q.logarithm = autograd.NewParam("w", 5, 9), 5, true, pointerTo(true), true
	}},
	{"weight, asymmetric, logarithm", func(q *quantizer) {
		q.weight, q.channels, q.symmetric, q.logarithm = autograd.NewParam("w", 5, 9), 5, false, true
	}},
}

// firstWeightKind is the place of the weights in quantizerKinds.
const firstWeightKind = 3

// randomRanges gives a quantizer ranges of both signs of its parameters that
// leave some normal values outside.
func randomRanges(q *quantizer, rng *rand.Rand) {
	for i := range q.magnitudeParam().Data {
		q.magnitudeParam().Data[i] = float32((0.7 + rng.Float64()) * []float64{1, -1}[rng.IntN(2)])
	}
	if !q.symmetric {
		for i := range q.inputLow.Data {
			q.inputLow.Data[i] = -0.3 - rng.Float32()
		}
	}
}

// limits are a channel's low and range by NNCF's formulas.
func limits(q *quantizer, c int) (low, span float64) {
	levelLow, levelHigh, levels := q.integerLevels()
	sigma := math.Abs(float64(q.magnitudeParam().Data[c])) + 1e-16
	if q.logarithm {
		sigma = math.Exp(float64(q.magnitudeParam().Data[c]))
	}
	if !q.symmetric {
		l, h := tuneRange(q.inputLow.Data[c], float32(sigma), levels)
		return float64(l), float64(h - l)
	}
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
	randomFill(rng, x.Data, x.Gradient())
	dx := slices.Clone(x.Gradient())
	levelLow, levelHigh, levels := q.integerLevels()
	wantLow, wantSpan := make([]float64, q.channels), make([]float64, q.channels)
	for _, p := range q.params() {
		randomFill(rng, p.Gradient())
	}
	for c := range q.channels {
		if q.symmetric {
			wantSpan[c] = float64(q.scale.Gradient()[c])
		} else {
			wantLow[c], wantSpan[c] = float64(q.inputLow.Gradient()[c]), float64(q.inputSpan.Gradient()[c])
		}
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Training, 0, 0)
	y := q.apply(tape, x, ids)
	randomFill(rng, y.Gradient())
	q.applied[0].Backward()
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
		g := float64(y.Gradient()[i])
		chain := 1.0 // derivative of the scale or range with respect to what is trained
		switch p := float64(q.magnitudeParam().Data[c]); {
		case q.logarithm:
			chain = math.Exp(p)
		case p < 0:
			chain = -1
		}
		switch {
		case float64(v) < low:
			wantLow[c] += g
			if q.symmetric {
				wantSpan[c] += chain * g * levelLow / levelHigh
			}
		case float64(v) > low+span:
			wantLow[c] += g
			wantSpan[c] += chain * g
		default:
			dx[i] += y.Gradient()[i]
			wantSpan[c] += chain * g * (want - float64(v)) / span
		}
	}
	for i := range dx {
		if !near(x.Gradient()[i], dx[i], 1e-6) {
			t.Errorf("dx[%d]: found %v, want %v", i, x.Gradient()[i], dx[i])
		}
	}
	for c := range q.channels {
		if q.symmetric {
			if !near(q.scale.Gradient()[c], float32(wantSpan[c]), 1e-5) {
				t.Errorf("d scale[%d]: found %v, want %v", c, q.scale.Gradient()[c], wantSpan[c])
			}
			continue
		}
		if !near(q.inputLow.Gradient()[c], float32(wantLow[c]), 1e-5) || !near(q.inputSpan.Gradient()[c], float32(wantSpan[c]), 1e-5) {
			t.Errorf("d low, d range: found %v, %v, want %v, %v", q.inputLow.Gradient()[c], q.inputSpan.Gradient()[c], wantLow[c], wantSpan[c])
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
		copy(q.apply(tape, x, nil).Gradient(), []float32{2, 3, 5})
		q.applied[0].Backward()
		if !slices.Equal(x.Gradient(), []float32{2, 0, 0}) {
			t.Errorf("dx: found %v, want [2 0 0]", x.Gradient())
		}
		want := sign * (2*(0-0.3)/255 + 3*1 + 5*-128.0/127)
		if !near(q.scale.Gradient()[0], want, 1e-6) {
			t.Errorf("d scale: found %v, want %v", q.scale.Gradient()[0], want)
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

// What is deployed, integers with a scale and a zero point per row, is what was
// trained; those of the half range keep to 7 bits, and zero is exactly zero.
func TestIntegersAreTheFakeQuantizedWeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, kind := range quantizerKinds[firstWeightKind:] {
		for range 20 {
			q := newQuantizer(kind.edit)
			randomRanges(q, rng)
			w := make([]float32, 45)
			randomFill(rng, w)
			w[7] = 0
			i8, scale, zero := q.integers(w, 5, 9)
			levelLow, _, levels := q.integerLevels()
			if (zero != nil) != (levelLow == 0) {
				t.Errorf("%s: found zero points %v", kind.name, zero)
			}
			limit := 128
			if levels == 128 {
				limit = 64
			}
			for i, y := range fakeQuantized(q, w, 5, 9, nil) {
				z := 0
				if zero != nil {
					z = int(zero[i/9])
				}
				got := float32(int(i8[i])-z) * scale[i/9]
				if !near(got, y, 1e-6) || int(i8[i]) < -limit || int(i8[i]) >= limit {
					t.Errorf("%s: found (%d−%d)·%v = %v, want %v and an integer from %d, below %d", kind.name, i8[i], z, scale[i/9], got, y, -limit, limit)
				}
				if w[i] == 0 && int(i8[i]) != z {
					t.Errorf("%s: the integer of zero is %d, want the zero point %d", kind.name, i8[i], z)
				}
			}
		}
	}
}

// Integers of asymmetric weights: range −0.5 to 2.05 in steps of 0.01 puts zero
// at level 50 of 0…255, which is 50 − 128 = −78; half the levels (0…127) in
// steps of 0.01 put a range of −0.5 to 0.77 at level 50 − 64 = −14. Unsigned
// integers of a scale of 2.54 are those of 0…254 less 128.
func TestIntegersByHand(t *testing.T) {
	w := []float32{0, 0.016, -0.5, -1, 0.77, 9}
	tests := []struct {
		name string
		edit func(*quantizer)
		low  float32
		size float32
		zero int8
		want []int8
	}{
		{"asymmetric", func(q *quantizer) { q.symmetric = false }, -0.5, 2.55, -78, []int8{-78, -76, -128, -128, -1, 127}},
		{"half range", func(q *quantizer) { q.symmetric, q.halfRange = false, true }, -0.5, 1.27, -14, []int8{-14, -12, -64, -64, 63, 63}},
		{"unsigned", func(q *quantizer) { q.narrow = true }, 0, 2.54, -128, []int8{-128, -126, -128, -128, -51, 126}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := newQuantizer(func(q *quantizer) {
				q.weight = autograd.NewParam("w", 1, len(w))
				test.edit(q)
			})
			q.magnitudeParam().Data[0] = test.size
			if !q.symmetric {
				q.inputLow.Data[0] = test.low
			}
			i8, scale, zero := q.integers(w, 1, len(w))
			if !slices.Equal(i8, test.want) || !slices.Equal(zero, []int8{test.zero}) || !near(scale[0], 0.01, 1e-6) {
				t.Errorf("found %v, scale %v, zero point %v, want %v, 0.01, %d", i8, scale, zero, test.want, test.zero)
			}
		})
	}
}

// Pruned rows take their scales and zero points with them.
func TestSliceKeepsZeroPoints(t *testing.T) {
	m := CompressedMatrix{Rows: 3, Cols: 2, I8: []int8{1, 2, 3, 4, 5, 6}, Scale: []float32{0.1, 0.2, 0.3}, Zero: []int8{-7, 8, 9}}
	s := m.slice([]int{0, 2}, []int{1})
	if !slices.Equal(s.I8, []int8{2, 6}) || !slices.Equal(s.Scale, []float32{0.1, 0.3}) || !slices.Equal(s.Zero, []int8{-7, 9}) {
		t.Errorf("found %+v, want rows 0 and 2 of column 1", s)
	}
}
