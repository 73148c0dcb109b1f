package kernels

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// rowSizes straddle the widths of vectors and of unrolled loops.
var rowSizes = []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 768}

// rowLevels runs f for each implementation of op that the machine and JPQD_ISA
// allow, and asserts that it is the one in use.
func rowLevels(t *testing.T, op string, f func(t *testing.T)) {
	t.Helper()
	top := level
	t.Cleanup(func() { setLevel(top) })
	ran := 0
	for _, k := range families[op].kernels() {
		t.Run(k.Name, func(t *testing.T) {
			if why := k.missing(); why != "" {
				t.Skip(why)
			}
			if k.ISA > top {
				t.Skipf("JPQD_ISA caps the level at %v", top)
			}
			setLevel(k.ISA)
			if got := Selected(op); got != k {
				t.Fatalf("selected %s", got.Name)
			}
			f(t)
			ran++
		})
	}
	setLevel(top)
	if ran == 0 {
		t.Fatalf("no implementation of %s has run", op)
	}
}

// TestRowLevels asserts that each row operation runs on the highest level it
// has: AVX-512 or AVX2 wherever those are in use.
func TestRowLevels(t *testing.T) {
	for _, op := range []string{
		"add_f32", "mul_f32", "muladd_f32", "scale_f32", "addscaled_f32", "gelu_f32", "gelu_backward_f32",
		"tanh_f32", "tanh_backward_f32", "softmax_f32", "softmax_backward_f32", "layernorm_f32",
		"layernorm_input_f32", "layernorm_params_f32", "sumsquares_f32", "minmax_f32", "adamw_f32", "fakequant_f32",
		"fakequant_backward_f32", "dropout_f32", "dropout_backward_f32",
		"quantize_q8", "dequantize_q8", "exp_f32", "erf_f32", "softmax_q8", "layernorm_q8",
	} {
		want := Generic
		switch {
		case level >= AVX512:
			want = AVX512
		case level >= AVX2:
			want = AVX2
		}
		if got := Selected(op); got.ISA != want || got.Name != op+"_"+want.String() {
			t.Errorf("%s runs on %s, want level %v", op, got.Name, want)
		}
	}
}

// canary lies before and behind the operands that do not end at a guard page.
const canary = -12345.5

// placements are two ways to lay out operands: ending at a page that may not be
// touched, and unaligned with canaries around.
var placements = []struct {
	name  string
	place func(t testing.TB, n int) []float32
}{
	{"guarded", guarded[float32]},
	{"unaligned", func(t testing.TB, n int) []float32 {
		t.Helper()
		mem := make([]float32, n+19)
		for i := range mem {
			mem[i] = canary
		}
		t.Cleanup(func() {
			for i, v := range mem {
				if (i < 3 || i >= n+3) && v != canary {
					t.Errorf("element %d of a slice of %d has been written", i-3, n)
				}
			}
		})
		return mem[3 : n+3 : n+3]
	}},
}

// fill fills x with normal numbers of the given spread and returns it.
func fill(r *rand.Rand, spread float64, x []float32) []float32 {
	for i := range x {
		x[i] = float32(spread * r.NormFloat64())
	}
	return x
}

// doubles is x in float64.
func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// sameBits tells whether x and y are equal bit for bit, any NaN equal to any.
func sameBits(x, y []float32) bool {
	return slices.EqualFunc(x, y, func(a, b float32) bool {
		return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
	})
}

// checkClose asserts |got − want| ≤ tolerance·max(1, |want|).
func checkClose(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, v := range got {
		if e := math.Abs(float64(v) - want[i]); !(e <= tolerance*max(1, math.Abs(want[i]))) {
			t.Fatalf("%s[%d] of %d = %v, want %v (off by %.3g)", what, i, len(got), v, want[i], e)
		}
	}
}

// frozen clones operands and returns a check that they have not changed.
func frozen(t *testing.T, operands ...[]float32) (check func()) {
	t.Helper()
	clones := make([][]float32, len(operands))
	for i, x := range operands {
		clones[i] = slices.Clone(x)
	}
	return func() {
		t.Helper()
		for i, x := range operands {
			if !sameBits(x, clones[i]) {
				t.Errorf("input %d of length %d has changed", i, len(x))
			}
		}
	}
}

// rowCall is one operation on operands large enough to be shared among threads.
type rowCall struct {
	name    string
	outputs [][]float32 // set to a known state before every call
	levels  [][]byte    // the same, of the operations that quantize
	call    func()
}

// result copies what a call has written, levels as numbers.
func (c rowCall) result() [][]float32 {
	var all [][]float32
	for _, out := range c.outputs {
		all = append(all, slices.Clone(out))
	}
	for _, q := range c.levels {
		numbers := make([]float32, len(q))
		for i, v := range q {
			numbers[i] = float32(v)
		}
		all = append(all, numbers)
	}
	return all
}

// rowCalls is every operation.
func rowCalls() []rowCall {
	r := rand.New(rand.NewPCG(3, 4))
	const rows, cols = 1111, 97
	n := rows * cols
	x, y, dy := fill(r, 1, make([]float32, n)), fill(r, 1, make([]float32, n)), fill(r, 1, make([]float32, n))
	out := make([]float32, n)
	m, v := make([]float32, n), make([]float32, n)
	gamma, beta := fill(r, 1, make([]float32, cols)), fill(r, 1, make([]float32, cols))
	dgamma, dbeta := make([]float32, cols), make([]float32, cols)
	mean, rstd := make([]float32, rows), make([]float32, rows)
	LayerNorm(rows, cols, x, gamma, beta, 1e-5, out, mean, rstd)
	low, span := make([]float32, rows), make([]float32, rows)
	dlow, dspan := make([]float32, rows), make([]float32, rows)
	for i := range low {
		low[i], span[i] = -1, 2+float32(i)/rows
	}
	q := make([]float32, n)
	FakeQuantize(rows, cols, x, low, span, 256, q)
	one := make([]float32, 2)
	step := AdamWStep{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, Step: 3, GradScale: 0.5}
	o := func(xs ...[]float32) [][]float32 { return xs }
	calls := []rowCall{
		{"Add", o(out), nil, func() { Add(x, y, out) }},
		{"Mul", o(out), nil, func() { Mul(x, y, out) }},
		{"MulAdd", o(out), nil, func() { MulAdd(x, y, out) }},
		{"Scale", o(out), nil, func() { Scale(3, x, out) }},
		{"AddScaled", o(out), nil, func() { AddScaled(3, x, out) }},
		{"GELU", o(out), nil, func() { GELU(x, out) }},
		{"GELUBackward", o(out), nil, func() { GELUBackward(x, dy, out, true) }},
		{"Tanh", o(out), nil, func() { Tanh(x, out) }},
		{"TanhBackward", o(out), nil, func() { TanhBackward(x, dy, out) }},
		{"AddBias", o(out), nil, func() { AddBias(rows, cols, out, gamma) }},
		{"ColumnSums", o(dgamma), nil, func() { ColumnSums(rows, cols, x, dgamma) }},
		{"Softmax", o(out), nil, func() { Softmax(rows, cols, x, cols, out, cols) }},
		{"SoftmaxBackward", o(out), nil, func() { SoftmaxBackward(rows, cols, x, cols, dy, cols, out, cols) }},
		{"LayerNorm", o(out, mean, rstd), nil, func() { LayerNorm(rows, cols, x, gamma, beta, 1e-5, out, mean, rstd) }},
		{"LayerNormBackward", o(out, dgamma, dbeta), nil, func() {
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, out, dgamma, dbeta, true)
		}},
		{"SumSquares", o(one), nil, func() {
			bits := math.Float64bits(SumSquares(x))
			one[0], one[1] = math.Float32frombits(uint32(bits)), math.Float32frombits(uint32(bits>>32))
		}},
		{"MinMax", o(one), nil, func() { one[0], one[1] = MinMax(x) }},
		{"AdamW", o(out, m, v), nil, func() { AdamW(step, out, x, m, v) }},
		{"FakeQuantize/tensor", o(out), nil, func() { FakeQuantize(rows, cols, x, low[:1], span[:1], 256, out) }},
		{"FakeQuantize/rows", o(out), nil, func() { FakeQuantize(rows, cols, x, low, span, 256, out) }},
		{"FakeQuantizeBackward/tensor", o(out, dlow, dspan), nil, func() {
			FakeQuantizeBackward(rows, cols, x, q, low[:1], span[:1], -1, dy, out, dlow[:1], dspan[:1])
		}},
		{"FakeQuantizeBackward/rows", o(out, dlow, dspan), nil, func() {
			FakeQuantizeBackward(rows, cols, x, q, low, span, -1, dy, out, dlow, dspan)
		}},
		{"Dropout", o(out), nil, func() { Dropout(1, 2, 0.1, x, out) }},
		{"DropoutBackward", o(out), nil, func() { DropoutBackward(1, 2, 0.1, dy, out) }},
	}
	return append(calls, quantizedCalls()...)
}

// start sets the outputs of a call to ones.
func (c rowCall) start() {
	for _, out := range c.outputs {
		for i := range out {
			out[i] = 1
		}
	}
	for _, q := range c.levels {
		for i := range q {
			q[i] = 1
		}
	}
}

func TestRowsThreads(t *testing.T) {
	calls := rowCalls()
	for _, k := range addFamily.kernels() {
		if k.missing() != "" || k.ISA > level {
			continue
		}
		t.Run(k.ISA.String(), func(t *testing.T) {
			top := level
			t.Cleanup(func() { setLevel(top) })
			setLevel(k.ISA)
			for _, c := range calls {
				var want [][]float32
				for _, threads := range []int{1, 2, 4} {
					c.start()
					before := runtime.GOMAXPROCS(threads)
					c.call()
					runtime.GOMAXPROCS(before)
					if want == nil {
						want = c.result()
						continue
					}
					for i, out := range c.result() {
						if !sameBits(out, want[i]) {
							t.Errorf("%s: output %d differs between 1 and %d threads", c.name, i, threads)
						}
					}
				}
			}
		})
	}
}

// TestRowsBitEqual asserts that the operations said to be bit-equal on every
// instruction set are.
func TestRowsBitEqual(t *testing.T) {
	equal := []string{
		"Add", "Mul", "MulAdd", "Scale", "AddScaled", "TanhBackward", "AddBias", "ColumnSums", "SumSquares", "MinMax",
		"AdamW", "FakeQuantize/tensor", "FakeQuantize/rows", "Dropout", "DropoutBackward",
	}
	for _, c := range quantizedCalls() {
		equal = append(equal, c.name)
	}
	top := level
	t.Cleanup(func() { setLevel(top) })
	ran := 0
	for _, c := range rowCalls() {
		if !slices.Contains(equal, c.name) {
			continue
		}
		ran++
		setLevel(Generic)
		c.start()
		c.call()
		want := c.result()
		for _, k := range addFamily.kernels() {
			if k.missing() != "" || k.ISA > top {
				continue
			}
			setLevel(k.ISA)
			c.start()
			c.call()
			for i, out := range c.result() {
				if !sameBits(out, want[i]) {
					t.Errorf("%s: output %d differs between generic and %v", c.name, i, k.ISA)
				}
			}
		}
	}
	if ran != len(equal) {
		t.Errorf("%d operations compared, want %d", ran, len(equal))
	}
}

func TestRowsAllocate(t *testing.T) {
	for _, c := range rowCalls() {
		c.start()
		if n := testing.AllocsPerRun(10, c.call); n != 0 {
			t.Errorf("%s allocates %v times a call", c.name, n)
		}
	}
}

func TestRowsPanic(t *testing.T) {
	x2, x3, x6 := make([]float32, 2), make([]float32, 3), make([]float32, 6)
	step := AdamWStep{Step: 1}
	for _, c := range []struct {
		name, want string
		call       func()
	}{
		{"Add a", errLength, func() { Add(x2, x3, x3) }},
		{"Add b", errLength, func() { Add(x3, x2, x3) }},
		{"Mul", errLength, func() { Mul(x3, x3, x2) }},
		{"MulAdd", errLength, func() { MulAdd(x3, x3, x2) }},
		{"Scale", errLength, func() { Scale(1, x3, x2) }},
		{"AddScaled", errLength, func() { AddScaled(1, x3, x2) }},
		{"GELU", errLength, func() { GELU(x3, x2) }},
		{"GELUBackward", errLength, func() { GELUBackward(x3, x2, x3, true) }},
		{"Tanh", errLength, func() { Tanh(x3, x2) }},
		{"TanhBackward", errLength, func() { TanhBackward(x3, x2, x3) }},
		{"AddBias rows", errNegative, func() { AddBias(-1, 3, x6, x3) }},
		{"AddBias x", errLength, func() { AddBias(2, 3, x3, x3) }},
		{"AddBias bias", errLength, func() { AddBias(2, 3, x6, x2) }},
		{"ColumnSums cols", errNegative, func() { ColumnSums(2, -3, x6, x3) }},
		{"ColumnSums x", errLength, func() { ColumnSums(2, 3, x3, x3) }},
		{"ColumnSums sums", errLength, func() { ColumnSums(2, 3, x6, x2) }},
		{"Softmax rows", errNegative, func() { Softmax(-1, 3, x6, 3, x6, 3) }},
		{"Softmax ldx", errLeading, func() { Softmax(2, 3, x6, 2, x6, 3) }},
		{"Softmax ldy", errLeading, func() { Softmax(2, 3, x6, 3, x6, 2) }},
		{"Softmax x", errLength, func() { Softmax(2, 3, x6, 4, x6, 3) }},
		{"Softmax y", errLength, func() { Softmax(2, 3, x6, 3, x6, 4) }},
		{"SoftmaxBackward ldy", errLeading, func() { SoftmaxBackward(2, 3, x6, 2, x6, 3, x6, 3) }},
		{"SoftmaxBackward lddx", errLeading, func() { SoftmaxBackward(2, 3, x6, 3, x6, 3, x6, 2) }},
		{"SoftmaxBackward dy", errLength, func() { SoftmaxBackward(2, 3, x6, 3, x3, 3, x6, 3) }},
		{"LayerNorm rows", errNegative, func() { LayerNorm(-2, 3, x6, x3, x3, 0, x6, x2, x2) }},
		{"LayerNorm gamma", errLength, func() { LayerNorm(2, 3, x6, x2, x3, 0, x6, x2, x2) }},
		{"LayerNorm rstd", errLength, func() { LayerNorm(2, 3, x6, x3, x3, 0, x6, x2, x3) }},
		{"LayerNormBackward dx", errLength, func() { LayerNormBackward(2, 3, x6, x3, x2, x2, x6, x3, nil, nil, true) }},
		{"LayerNormBackward dbeta", errLength, func() { LayerNormBackward(2, 3, x6, x3, x2, x2, x6, nil, nil, x2, true) }},
		{"AdamW step", errStep, func() { AdamW(AdamWStep{}, x3, x3, x3, x3) }},
		{"AdamW p", errLength, func() { AdamW(step, x2, x3, x3, x3) }},
		{"AdamW v", errLength, func() { AdamW(step, x3, x3, x3, x2) }},
		{"FakeQuantize rows", errNegative, func() { FakeQuantize(-2, 3, x6, x2, x2, 256, x6) }},
		{"FakeQuantize levels", errLevels, func() { FakeQuantize(2, 3, x6, x2, x2, 1, x6) }},
		{"FakeQuantize low", errLength, func() { FakeQuantize(2, 3, x6, x3, x3, 256, x6) }},
		{"FakeQuantize span", errLength, func() { FakeQuantize(2, 3, x6, x2, x2[:1], 256, x6) }},
		{"FakeQuantizeBackward dspan", errLength, func() {
			FakeQuantizeBackward(2, 3, x6, x6, x2, x2, 0, x6, nil, nil, x3)
		}},
		{"FakeQuantizeBackward dlow", errLength, func() {
			FakeQuantizeBackward(2, 3, x6, x6, x2, x2, 0, x6, nil, x3, x2)
		}},
		{"Dropout p", errProbability, func() { Dropout(0, 0, 1.5, x3, x3) }},
		{"Dropout NaN", errProbability, func() { Dropout(0, 0, float32(math.NaN()), x3, x3) }},
		{"Dropout x", errLength, func() { Dropout(0, 0, 0, x3, x2) }},
		{"DropoutBackward p", errProbability, func() { DropoutBackward(0, 0, -0.1, x3, x3) }},
		{"DropoutBackward dx", errLength, func() { DropoutBackward(0, 0, 1, x3, x2) }},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%s: panic %v, want %q", c.name, got, c.want)
				}
			}()
			c.call()
		}()
	}
}
