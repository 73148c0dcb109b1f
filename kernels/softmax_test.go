package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// softmaxOf is the reference of one row.
func softmaxOf(x []float64) []float64 {
	y := make([]float64, len(x))
	peak, sum := slices.Max(x), 0.0
	for i, v := range x {
		y[i] = math.Exp(v - peak)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

// softmaxSlope is the reference of one row's gradient.
func softmaxSlope(y, dy []float64) []float64 {
	dot := 0.0
	for i, v := range y {
		dot += v * dy[i]
	}
	dx := make([]float64, len(y))
	for i, v := range y {
		dx[i] = v * (dy[i] - dot)
	}
	return dx
}

// gap returns x (rows, cols) with leading dimension ld, and canaries between.
func gap(rows, cols, ld int, x []float32) []float32 {
	for i := range rows {
		for j := cols; j < ld && i*ld+j < len(x); j++ {
			x[i*ld+j] = canary
		}
	}
	return x
}

func TestSoftmax(t *testing.T) {
	rowLevels(t, "softmax_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range rowSizes[1:] {
				const rows = 3
				r := rand.New(rand.NewPCG(uint64(cols), 6))
				ldx, ldy := cols+5, cols+2
				x := gap(rows, cols, ldx, fill(r, 5, p.place(t, (rows-1)*ldx+cols)))
				y := gap(rows, cols, ldy, p.place(t, (rows-1)*ldy+cols))
				var want [rows][]float64
				for i := range want {
					want[i] = softmaxOf(doubles(x[i*ldx:][:cols]))
				}
				unchanged := frozen(t, x)
				Softmax(rows, cols, x, ldx, y, ldy)
				unchanged()
				Softmax(rows, cols, x, ldx, x, ldx)
				for i := range want {
					checkRelative(t, "softmax", y[i*ldy:][:cols], want[i], 4e-6)
					checkRelative(t, "softmax in place", x[i*ldx:][:cols], want[i], 4e-6)
				}
				checkGaps(t, rows, cols, ldx, x)
				checkGaps(t, rows, cols, ldy, y)
			}
		}
	})
}

// TestSoftmaxOfLevels wants the same bits from every level that has fused
// multiply-add.
func TestSoftmaxOfLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, cols := range rowSizes[1:] {
		x := fill(r, 5, make([]float32, 4*cols))
		var want []float32
		rowLevels(t, "softmax_f32", func(t *testing.T) {
			if softmaxFamily.use.ISA == Generic {
				return
			}
			y := make([]float32, len(x))
			Softmax(4, cols, x, cols, y, cols)
			if want == nil {
				want = y
			}
			for i, v := range y {
				if v != want[i] {
					t.Fatalf("[%d] of rows of %d is %v, on another level %v", i, cols, v, want[i])
				}
			}
		})
	}
}

// checkRelative asserts |got − want| ≤ tolerance·|want|.
func checkRelative(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, v := range got {
		if e := math.Abs(float64(v) - want[i]); !(e <= tolerance*math.Abs(want[i])) {
			t.Fatalf("%s[%d] of %d = %v, want %v", what, i, len(got), v, want[i])
		}
	}
}

func checkGaps(t *testing.T, rows, cols, ld int, x []float32) {
	t.Helper()
	for i := range rows {
		for j := cols; j < ld && i*ld+j < len(x); j++ {
			if x[i*ld+j] != canary {
				t.Fatalf("element (%d, %d) beyond %d columns has been written", i, j, cols)
			}
		}
	}
}

// TestExp asserts the error of exp itself, from 0 down to where the result
// vanishes: the softmax of (0, x) is (1, exp(x))/(1 + exp(x)).
func TestExp(t *testing.T) {
	rowLevels(t, "softmax_f32", func(t *testing.T) {
		worst, at := 0.0, 0.0
		for v := float32(-17.5); v > -104; v -= 0.00137 {
			row := []float32{0, v}
			Softmax(1, 2, row, 2, row, 2)
			want := math.Exp(float64(v))
			if e := math.Abs(float64(row[1])-want) / ulp(want); e > worst {
				worst, at = e, float64(v)
			}
		}
		t.Logf("largest error %.3g ulp at %v", worst, at)
		if worst > 1.1 {
			t.Errorf("error of %.3g ulp at %v, stated 1.1", worst, at)
		}
	})
}

func TestSoftmaxMasked(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	rowLevels(t, "softmax_f32", func(t *testing.T) {
		for _, cols := range []int{1, 5, 16, 40} {
			x := make([]float32, cols)
			for i := range x {
				x[i] = -inf
			}
			y := slices.Clone(x)
			Softmax(1, cols, x, cols, y, cols)
			if !sameBits(y, make([]float32, cols)) {
				t.Errorf("%d masked columns give %v, want zeros", cols, y)
			}
			for _, odd := range []float32{nan, inf} {
				x[cols-1] = odd
				Softmax(1, cols, x, cols, y, cols)
				for j, v := range y {
					if v == v {
						t.Errorf("%d columns with %v: element %d is %v, want NaN", cols, odd, j, v)
					}
				}
			}
			x[cols-1] = -1e30
			Softmax(1, cols, x, cols, y, cols)
			if y[cols-1] != 1 {
				t.Errorf("the only column left of %d has %v, want 1", cols, y[cols-1])
			}
		}
	})
}

func TestSoftmaxBackward(t *testing.T) {
	rowLevels(t, "softmax_backward_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range rowSizes[1:] {
				const rows = 2
				r := rand.New(rand.NewPCG(uint64(cols), 7))
				ldy, lddy, lddx := cols+1, cols, cols+3
				y := p.place(t, (rows-1)*ldy+cols)
				dy := fill(r, 1, p.place(t, (rows-1)*lddy+cols))
				dx := p.place(t, (rows-1)*lddx+cols)
				for i := range rows {
					for j, v := range softmaxOf(doubles(fill(r, 2, make([]float32, cols)))) {
						y[i*ldy+j] = float32(v)
					}
				}
				gap(rows, cols, ldy, y)
				gap(rows, cols, lddx, dx)
				var want [rows][]float64
				for i := range want {
					want[i] = softmaxSlope(doubles(y[i*ldy:][:cols]), doubles(dy[i*lddy:][:cols]))
				}
				unchanged := frozen(t, y, dy)
				SoftmaxBackward(rows, cols, y, ldy, dy, lddy, dx, lddx)
				unchanged()
				SoftmaxBackward(rows, cols, y, ldy, dy, lddy, dy, lddy)
				for i := range want {
					checkClose(t, "dx", dx[i*lddx:][:cols], want[i], 1e-6)
					checkClose(t, "dx in place", dy[i*lddy:][:cols], want[i], 1e-6)
				}
				checkGaps(t, rows, cols, lddx, dx)
			}
		}
	})
}

// TestSoftmaxSlope compares the reference of the gradient with finite
// differences of the reference.
func TestSoftmaxSlope(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	x, dy := doubles(fill(r, 1, make([]float32, 9))), doubles(fill(r, 1, make([]float32, 9)))
	loss := func() (sum float64) {
		for i, v := range softmaxOf(x) {
			sum += v * dy[i]
		}
		return sum
	}
	checkSlope(t, x, loss, softmaxSlope(softmaxOf(x), dy))
}

// checkSlope compares the gradient of loss by x with central differences.
func checkSlope(t *testing.T, x []float64, loss func() float64, slope []float64) {
	t.Helper()
	const h = 1e-5
	for i, v := range x {
		x[i] = v + h
		up := loss()
		x[i] = v - h
		down := loss()
		x[i] = v
		if d := (up - down) / (2 * h); math.Abs(d-slope[i]) > 1e-8 {
			t.Errorf("slope[%d] = %v, finite difference %v", i, slope[i], d)
		}
	}
}

// TestSoftmaxShort compares rows that stay in registers with the same rows by
// themselves, to the bit.
func TestSoftmaxShort(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	inf := float32(math.Inf(1))
	rowLevels(t, "softmax_f32", func(t *testing.T) {
		for cols := 1; cols <= 33; cols++ {
			const rows = 6
			x := fill(r, 30, make([]float32, rows*cols))
			for j := range cols {
				x[cols+j] = -inf
			}
			x[2*cols], x[3*cols+cols/2], x[4*cols+cols-1] = -inf, float32(math.NaN()), inf
			got, want := make([]float32, rows*cols), make([]float32, rows*cols)
			Softmax(rows, cols, x, cols, got, cols)
			for i := range rows {
				softmaxFamily.use.fn(x[i*cols:][:cols], want[i*cols:][:cols])
			}
			for i, v := range got {
				if math.Float32bits(v) != math.Float32bits(want[i]) && !(v != v && want[i] != want[i]) {
					t.Fatalf("%d columns: [%d, %d] is %v, want %v", cols, i/cols, i%cols, v, want[i])
				}
			}
		}
	})
}
