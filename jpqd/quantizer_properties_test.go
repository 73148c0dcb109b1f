package jpqd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/autograd"
)

// drawQuantizer draws a quantizer of any kind with parameters from tiny to
// large, of either sign where the sign is free.
func drawQuantizer(t *rapid.T) *quantizer {
	kind := quantizerKinds[rapid.IntRange(0, len(quantizerKinds)-1).Draw(t, "kind")]
	q := newQuantizer(kind.edit)
	size := rapid.Float32Range(1e-3, 1e3)
	for i := range q.channels {
		v := size.Draw(t, "size")
		if q.logarithm {
			v = float32(math.Log(float64(v)))
		} else if rapid.Bool().Draw(t, "negative") {
			v = -v
		}
		q.magnitudeParam().Data[i] = v
		if !q.symmetric {
			q.inputLow.Data[i] = rapid.Float32Range(-1e3, 1e3).Draw(t, "input_low")
		}
	}
	return q
}

// Whatever the parameters have become in training: zero is exactly zero, what
// is quantized stays as it is when it is quantized again, the result lies
// within the range (within its grid, where zero is at the end of a range that
// it does not divide), and order is kept.
func TestFakeQuantizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuantizer(t)
		const rows, cols = 5, 9
		x := make([]float32, rows*cols)
		for i := range x {
			x[i] = rapid.Float32Range(-1e4, 1e4).Draw(t, "x")
		}
		for r := range rows {
			row := x[r*cols : (r+1)*cols]
			row[0] = 0
			slices.Sort(row)
		}
		y := fakeQuantized(q, x, rows, cols, nil)
		again := fakeQuantized(q, y, rows, cols, nil)
		_, _, levels := q.integerLevels()
		for i, v := range y {
			c := min(i/cols, q.channels-1)
			step := q.span[c] / float32(levels-1)
			if x[i] == 0 && v != 0 {
				t.Fatalf("0 became %v, range %v to %v", v, q.low[c], q.high[c])
			}
			if d := abs(again[i] - v); d > 1e-5*step {
				t.Fatalf("%v became %v, and that %v", x[i], v, again[i])
			}
			if slack := step * 0.5001; v < q.low[c]-slack || v > q.high[c]+slack {
				t.Fatalf("%v became %v, outside %v to %v", x[i], v, q.low[c], q.high[c])
			}
			if i%cols > 0 && v < y[i-1] {
				t.Fatalf("%v became %v, but %v became %v", x[i-1], y[i-1], x[i], v)
			}
		}
	})
}

// A masked weight stays zero in what is deployed, and every integer is that of
// the fake-quantized weight.
func TestIntegersProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuantizer(t)
		if q.weight == nil {
			return
		}
		w := rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), 45, 45).Draw(t, "w")
		for i := range w {
			if rapid.Bool().Draw(t, "masked") {
				w[i] = 0
			}
		}
		i8, scale, zero := q.integers(w, 5, 9)
		for i, y := range fakeQuantized(q, w, 5, 9, nil) {
			z := 0
			if zero != nil {
				z = int(zero[i/9])
			}
			got := float32(int(i8[i])-z) * scale[i/9]
			if w[i] == 0 && got != 0 || !near(got, y, 1e-5) {
				t.Fatalf("%v: found %v, want %v", w[i], got, y)
			}
		}
	})
}

// Every case of the backward half by hand, with gradients dy = 2, 3, 5, 7, 11
// of x and a range of low to high; "in" are the values inside, ends included.
func TestBackwardByHand(t *testing.T) {
	const e = math.E
	dy := []float32{2, 3, 5, 7, 11}
	tests := []struct {
		name   string
		edit   func(*quantizer)
		low    float32 // input_low
		size   float32 // the parameter behind scale or input_range
		x      []float32
		y      []float32
		dx     []float32
		dLow   float32
		dScale float32
	}{
		{
			// Steps of 1: −128 and 127 are the ends and inside, both exactly on
			// the grid; 0.25 becomes 0. Of the range 255: (0 − 0.25)/255·5,
			// above 7·1, below 11·(−128/127).
			name: "signed", edit: func(q *quantizer) { q.signed = true }, size: 127,
			x: []float32{-128, 127, 0.25, 127.5, -128.5}, y: []float32{-128, 127, 0, 127, -128},
			dx: []float32{2, 3, 5, 0, 0}, dScale: -0.25/255*5 + 7 - 11*128.0/127,
		},
		{
			// The same through |scale| of a negative parameter.
			name: "signed, negative scale", edit: func(q *quantizer) { q.signed = true }, size: -127,
			x: []float32{-128, 127, 0.25, 127.5, -128.5}, y: []float32{-128, 127, 0, 127, -128},
			dx: []float32{2, 3, 5, 0, 0}, dScale: -(-0.25/255*5 + 7 - 11*128.0/127),
		},
		{
			// Steps of 1 from 0; level_low is 0, so nothing from below.
			name: "unsigned", edit: func(q *quantizer) {}, size: 255,
			x: []float32{0, 255, 1.5, 256, -1}, y: []float32{0, 255, 2, 255, 0},
			dx: []float32{2, 3, 5, 0, 0}, dScale: 0.5/255*5 + 7,
		},
		{
			// −64…63 in steps of 1, range 127.
			name: "half range", size: 63,
			edit: func(q *quantizer) { q.weight, q.halfRange, q.signed = autograd.NewParam("w", 1, 5), true, true },
			x:    []float32{-64, 63, 2.5, 64, -65}, y: []float32{-64, 63, 2, 63, -64},
			dx: []float32{2, 3, 5, 0, 0}, dScale: -0.5/127*5 + 7 - 11*64.0/63,
		},
		{
			// −127…127, range 254.
			name: "narrow range", size: 127,
			edit: func(q *quantizer) { q.weight, q.narrow, q.signed = autograd.NewParam("w", 1, 5), true, true },
			x:    []float32{-127, 127, 3.5, 128, -128}, y: []float32{-127, 127, 4, 127, -127},
			dx: []float32{2, 3, 5, 0, 0}, dScale: 0.5/254*5 + 7 - 11,
		},
		{
			// −51…204 has zero on the grid already, at 51, so that both
			// candidates of TuneRange are it.
			name: "asymmetric", edit: func(q *quantizer) { q.symmetric = false }, low: -51, size: 255,
			x: []float32{-51, 204, 1.25, 300, -52}, y: []float32{-51, 204, 1, 204, -51},
			dx: []float32{2, 3, 5, 0, 0}, dLow: 7 + 11, dScale: -0.25/255*5 + 7,
		},
		{
			// −0.5…1.5: zero at 63.75, rounded to 64. A moves low to −64/191·1.5
			// (range 2.0026), B moves high to 191/64·0.5 (range 1.992): A. A step
			// is 1.5/191; 0.004 is 0.509 steps.
			name: "asymmetric, candidate A", edit: func(q *quantizer) { q.symmetric = false }, low: -0.5, size: 2,
			x: []float32{-0.501, 1.5, 0.004, 1.6, -0.6}, y: []float32{-64 * 1.5 / 191, 1.5, 1.5 / 191, 1.5, -64 * 1.5 / 191},
			dx: []float32{2, 3, 5, 0, 0}, dLow: 7 + 11,
			dScale: ((-64*1.5/191+0.501)*2+(1.5/191-0.004)*5)/(1.5*255/191) + 7,
		},
		{
			// −0.7…1.3: zero at 89.25, rounded to 89. A moves low to −89/166·1.3
			// (range 1.997), B high to 166/89·0.7 = 1.3056 (range 2.0056): B. A
			// step is 0.7/89; 1.304 lies inside, 165.8 steps.
			name: "asymmetric, candidate B", edit: func(q *quantizer) { q.symmetric = false }, low: -0.7, size: 2,
			x: []float32{-0.7, 1.304, 0.004, 1.4, -0.8}, y: []float32{-0.7, 166 * 0.7 / 89, 0.7 / 89, 166 * 0.7 / 89, -0.7},
			dx: []float32{2, 3, 5, 0, 0}, dLow: 7 + 11,
			dScale: ((166*0.7/89-1.304)*3+(0.7/89-0.004)*5)/(0.7*255/89) + 7,
		},
		{
			// 0…127 levels, −27…100 in steps of 1; the range is a negative parameter.
			name: "asymmetric, half range", low: -27, size: -127,
			edit: func(q *quantizer) { q.weight, q.symmetric, q.halfRange = autograd.NewParam("w", 1, 5), false, true },
			x:    []float32{-27, 100, -0.5, 101, -28}, y: []float32{-27, 100, 0, 100, -27},
			dx: []float32{2, 3, 5, 0, 0}, dLow: 7 + 11, dScale: -(0.5/127*5 + 7),
		},
		{
			// The parameter 1 is the logarithm of a scale of e: −e·128/127 and e
			// are the ends. The derivative of eᵖ is e. 0 is exact.
			name: "logarithm", edit: func(q *quantizer) { q.signed, q.logarithm = true, true }, size: 1,
			x: []float32{0, e, 0, 3, -3}, y: []float32{0, e, 0, e, -e * 128 / 127},
			dx: []float32{2, 3, 5, 0, 0}, dScale: e * (7 - 11*128.0/127),
		},
		{
			name: "asymmetric, logarithm", low: 0, size: 1, // 0…e
			edit: func(q *quantizer) { q.symmetric, q.logarithm = false, true },
			x:    []float32{0, e, 0, 3, -3}, y: []float32{0, e, 0, e, 0},
			dx: []float32{2, 3, 5, 0, 0}, dLow: 7 + 11, dScale: e * 7,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := newQuantizer(test.edit)
			q.magnitudeParam().Data[0] = test.size
			if !q.symmetric {
				q.inputLow.Data[0] = test.low
			}
			x := autograd.NewTensor(1, 5)
			x.Grad = make([]float32, 5)
			copy(x.Data, test.x)
			tape := autograd.NewTape()
			tape.Begin(autograd.Training, 0, 0)
			y := q.apply(tape, x, nil)
			copy(y.Gradient(), dy)
			q.applied[0].Backward()
			for i := range dy {
				if !near(y.Data[i], test.y[i], 1e-5) {
					t.Errorf("y of %v: found %v, want %v", test.x[i], y.Data[i], test.y[i])
				}
			}
			if !slices.Equal(x.Gradient(), test.dx) {
				t.Errorf("dx: found %v, want %v", x.Gradient(), test.dx)
			}
			if got := q.magnitudeParam().Gradient()[0]; !near(got, test.dScale, 1e-5) {
				t.Errorf("d %s: found %v, want %v", q.magnitudeName(), got, test.dScale)
			}
			if !q.symmetric && q.inputLow.Gradient()[0] != test.dLow {
				t.Errorf("d input_low: found %v, want %v", q.inputLow.Gradient()[0], test.dLow)
			}
		})
	}
}

// A quantizer whose stage has not begun changes nothing and trains nothing.
func TestQuantizerOff(t *testing.T) {
	for _, kind := range quantizerKinds {
		q := newQuantizer(kind.edit)
		q.turn(false)
		x := []float32{0.123, -4, 5}
		if got := fakeQuantized(q, x, 1, 3, nil); !slices.Equal(got, x) {
			t.Errorf("%s: found %v, want %v", kind.name, got, x)
		}
		for _, p := range q.params() {
			if !p.Frozen || p.Gradient() != nil {
				t.Errorf("%s: %s is trained", kind.name, p.Name)
			}
		}
		q.turn(true)
		if got := fakeQuantized(q, make([]float32, 45), 5, 9, nil); fmt.Sprint(got) != fmt.Sprint(make([]float32, 45)) {
			t.Errorf("%s: found %v of zeros", kind.name, got)
		}
		for _, p := range q.params() {
			if p.Frozen || p.Gradient() == nil {
				t.Errorf("%s: %s is not trained", kind.name, p.Name)
			}
		}
	}
}
