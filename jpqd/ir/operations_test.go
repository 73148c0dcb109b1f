package ir

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func floats(shape []int, v ...float32) *Tensor {
	if v == nil {
		v = []float32{}
	}
	return &Tensor{Type: F32, Shape: shape, F32: v}
}

func integers(shape []int, v ...int64) *Tensor {
	if v == nil {
		v = []int64{}
	}
	return &Tensor{Type: I64, Shape: shape, I64: v}
}

// list and scalar are integers as inputs such as axes.
func list(v ...int64) *Tensor { return integers([]int{len(v)}, v...) }
func scalar(v int64) *Tensor  { return integers([]int{}, v) }

func as(typ ElementType, t *Tensor) *Tensor {
	c := *t
	c.Type = typ
	return &c
}

// operationCase is one evaluation; attributes are names and values in turn.
type operationCase struct {
	name       string // kind, opset, what
	attributes []string
	in         []*Tensor
	want       []*Tensor
	err        string
}

func (test *operationCase) run(t *testing.T) {
	t.Helper()
	fields := strings.SplitN(test.name, " ", 3)
	o, err := findOperation(fields[0], "opset"+fields[1])
	if err != nil {
		t.Fatal(err)
	}
	l := &layer{outputs: make([]string, max(1, len(test.want)))}
	for i := 0; i < len(test.attributes); i += 2 {
		l.attributes += attributeText(fmt.Sprintf(" %s=%q", test.attributes[i], test.attributes[i+1]))
	}
	got, err := o.eval(&call{layer: l, in: test.in, limit: 1 << 20})
	if test.err != "" {
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("found error %v, want %q", err, test.err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(test.want) {
		t.Fatalf("found %d outputs, want %d", len(got), len(test.want))
	}
	for i, want := range test.want {
		if err := got[i].check(); err != nil {
			t.Fatal(err)
		}
		if !equal(got[i], want) {
			t.Errorf("output %d: found %v, want %v", i, show(got[i]), show(want))
		}
	}
}

func show(t *Tensor) string { return fmt.Sprint(t.Type, t.Shape, t.F32, t.I64) }

// equal allows floats an error of 1e-6.
func equal(a, b *Tensor) bool {
	return a.Type == b.Type && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.I64, b.I64) &&
		slices.EqualFunc(a.F32, b.F32, func(x, y float32) bool {
			return x == y || x != x && y != y || math.Abs(float64(x-y)) <= 1e-6*max(1, math.Abs(float64(y)))
		})
}

func runCases(t *testing.T, cases []operationCase) {
	for _, test := range cases {
		t.Run(test.name, test.run)
	}
}

// operationCases are those of every table.
func operationCases() []operationCase {
	return slices.Concat(elementwiseCases(), fakeQuantizeCases(), matMulCases(), reductionsCases(), layoutCases(), gatherCases(), slicesCases(), compareCases(), attentionCases(), fakeConvertCases())
}

var inf = float32(math.Inf(1))

func TestElementwise(t *testing.T) { runCases(t, elementwiseCases()) }

func elementwiseCases() []operationCase {
	return []operationCase{
		{name: "Add 1 row", in: []*Tensor{floats([]int{2, 2}, 1, 2, 3, 4), floats([]int{2}, 10, 20)}, want: []*Tensor{floats([]int{2, 2}, 11, 22, 13, 24)}},
		{name: "Add 1 column", in: []*Tensor{floats([]int{2, 1}, 10, 20), floats([]int{2, 2}, 1, 2, 3, 4)}, want: []*Tensor{floats([]int{2, 2}, 11, 12, 23, 24)}},
		{name: "Add 1 outer", in: []*Tensor{floats([]int{2, 1}, 10, 20), floats([]int{1, 3}, 1, 2, 3)}, want: []*Tensor{floats([]int{2, 3}, 11, 12, 13, 21, 22, 23)}},
		{name: "Add 1 scalars", in: []*Tensor{floats([]int{}, 1), floats([]int{}, 2)}, want: []*Tensor{floats([]int{}, 3)}},
		{name: "Add 1 empty", in: []*Tensor{floats([]int{0, 2}), floats([]int{2}, 1, 2)}, want: []*Tensor{floats([]int{0, 2})}},
		{name: "Add 1 int8 wraps", in: []*Tensor{as(I8, list(100, 1)), as(I8, list(100, 2))}, want: []*Tensor{as(I8, list(-56, 3))}},
		{name: "Add 14 types differ", in: []*Tensor{list(1), floats([]int{1}, 1)}, err: "want one type"},
		{name: "Add 1 shapes differ", in: []*Tensor{list(1, 2), list(1, 2, 3)}, err: "want equal dimensions or 1"},
		{name: "Add 1 no broadcast", attributes: []string{"auto_broadcast", "none"}, in: []*Tensor{list(1, 2), list(1)}, err: "shapes that broadcast"},
		{name: "Subtract 1", in: []*Tensor{floats([]int{}, 1), floats([]int{2}, 1, 0)}, want: []*Tensor{floats([]int{2}, 0, 1)}},
		{name: "Multiply 1", in: []*Tensor{list(2, 3), scalar(-4)}, want: []*Tensor{list(-8, -12)}},
		{name: "Divide 1", in: []*Tensor{floats([]int{2}, 1, -3), floats([]int{}, 2)}, want: []*Tensor{floats([]int{2}, 0.5, -1.5)}},
		{name: "Divide 1 floor", in: []*Tensor{list(7, -7, 6), list(2, 2, -3)}, want: []*Tensor{list(3, -4, -2)}},
		{name: "Divide 1 truncate", attributes: []string{"m_pythondiv", "false"}, in: []*Tensor{list(7, -7), scalar(2)}, want: []*Tensor{list(3, -3)}},
		{name: "Divide 1 by zero", in: []*Tensor{list(7), scalar(0)}, err: "by 0"},
		{name: "Power 1", in: []*Tensor{floats([]int{2}, 3, 4), floats([]int{2}, 2, 0.5)}, want: []*Tensor{floats([]int{2}, 9, 2)}},
		{name: "Power 1 int", in: []*Tensor{list(3, -2), list(4, 3)}, want: []*Tensor{list(81, -8)}},
		{name: "Convert 1 to int", attributes: []string{"destination_type", "i32"}, in: []*Tensor{floats([]int{4}, 1.9, -1.9, 0, 1e6)}, want: []*Tensor{as(I32, list(1, -1, 0, 1000000))}},
		{name: "Convert 1 to u8", attributes: []string{"destination_type", "u8"}, in: []*Tensor{list(-1, 255, 256)}, want: []*Tensor{as(U8, list(255, 255, 0))}},
		{name: "Convert 1 to boolean", attributes: []string{"destination_type", "boolean"}, in: []*Tensor{floats([]int{3}, 0, 0.5, -2)}, want: []*Tensor{as(Boolean, list(0, 1, 1))}},
		{name: "Convert 1 to f32", attributes: []string{"destination_type", "f32"}, in: []*Tensor{as(I8, list(-128, 127))}, want: []*Tensor{floats([]int{2}, -128, 127)}},
		{name: "Convert 1 to f16", attributes: []string{"destination_type", "f16"}, in: []*Tensor{floats([]int{3}, 1.0001, 70000, 2049)}, want: []*Tensor{as(F16, floats([]int{3}, 1, inf, 2048))}},
		{name: "Convert 1 unknown", attributes: []string{"destination_type", "f128"}, in: []*Tensor{list(1)}, err: `"f128"`},
		{name: "Select 1", in: []*Tensor{as(Boolean, list(1, 0, 1)), floats([]int{2, 1}, 1, 2), floats([]int{}, -5)}, want: []*Tensor{floats([]int{2, 3}, 1, -5, 1, 2, -5, 2)}},
		{name: "Select 1 condition", in: []*Tensor{list(1), list(1), list(1)}, err: "want boolean"},
		// erf, tanh and Φ from tables.
		{name: "Erf 1", in: []*Tensor{floats([]int{3}, 0, 1, -0.5)}, want: []*Tensor{floats([]int{3}, 0, 0.8427008, -0.5204999)}},
		{name: "Tanh 1", in: []*Tensor{floats([]int{2}, 1, -0.5)}, want: []*Tensor{floats([]int{2}, 0.7615942, -0.46211717)}},
		{name: "ReLU 1", in: []*Tensor{floats([]int{2}, 1, -1)}, want: []*Tensor{floats([]int{2}, 1, 0)}},
		{name: "Sqrt 1", in: []*Tensor{floats([]int{2}, 9, 2)}, want: []*Tensor{floats([]int{2}, 3, 1.4142135)}},
		{name: "Gelu 2", in: []*Tensor{floats([]int{3}, 1, -1, 0)}, want: []*Tensor{floats([]int{3}, 0.8413447, -0.15865526, 0)}},
		{name: "Gelu 7 default", in: []*Tensor{floats([]int{1}, 2)}, want: []*Tensor{floats([]int{1}, 1.9544997)}},
		{name: "Gelu 7 erf", attributes: []string{"approximation_mode", "erf"}, in: []*Tensor{floats([]int{1}, 1)}, want: []*Tensor{floats([]int{1}, 0.8413447)}},
		{name: "Gelu 7 tanh", attributes: []string{"approximation_mode", "TANH"}, in: []*Tensor{floats([]int{1}, 1)}, want: []*Tensor{floats([]int{1}, 0.841192)}},
		{name: "Gelu 7 unknown", attributes: []string{"approximation_mode", "FAST"}, in: []*Tensor{floats([]int{1}, 1)}, err: `"FAST"`},
		{name: "Gelu 7 integers", in: []*Tensor{list(1)}, err: "want floats"},
	}
}

func TestFakeQuantize(t *testing.T) { runCases(t, fakeQuantizeCases()) }

func fakeQuantizeCases() []operationCase {
	limits := func(il, ih, ol, oh float32) []*Tensor {
		return []*Tensor{floats([]int{}, il), floats([]int{}, ih), floats([]int{}, ol), floats([]int{}, oh)}
	}
	return []operationCase{
		// 5 levels of 0 to 4: halves go to the even level.
		{
			name: "FakeQuantize 1 rounding", attributes: []string{"levels", "5"},
			in:   slices.Concat([]*Tensor{floats([]int{8}, -1, 0.5, 0.51, 1.5, 2.5, 3.4, 4, 9)}, limits(0, 4, 0, 4)),
			want: []*Tensor{floats([]int{8}, 0, 0, 1, 2, 2, 3, 4, 4)},
		},
		{
			name: "FakeQuantize 1 other output", attributes: []string{"levels", "3"},
			in:   slices.Concat([]*Tensor{floats([]int{4}, -2, -1, 0.2, 7)}, limits(-1, 1, 10, 30)),
			want: []*Tensor{floats([]int{4}, 10, 10, 20, 30)},
		},
		{
			name: "FakeQuantize 1 default of 256 levels",
			in:   slices.Concat([]*Tensor{floats([]int{3}, 0, 0.7, -200)}, limits(-128, 127, -128, 127)),
			want: []*Tensor{floats([]int{3}, 0, 1, -128)},
		},
		{
			name: "FakeQuantize 1 per row", attributes: []string{"levels", "3"},
			in: []*Tensor{
				floats([]int{2, 2}, 0.4, 0.6, 0.4, 5.2), floats([]int{2, 1}, -1, -4), floats([]int{2, 1}, 1, 4),
				floats([]int{2, 1}, -1, -4), floats([]int{2, 1}, 1, 4),
			},
			want: []*Tensor{floats([]int{2, 2}, 0, 1, 0, 4)},
		},
		{name: "FakeQuantize 1 levels", attributes: []string{"levels", "1"}, in: slices.Concat([]*Tensor{floats([]int{1}, 1)}, limits(0, 1, 0, 1)), err: "levels"},
		{name: "FakeQuantize 1 limits too large", in: append([]*Tensor{floats([]int{1}, 1), floats([]int{2}, 0, 0)}, limits(0, 1, 0, 1)[1:]...), err: "input 1"},
	}
}

func TestMatMul(t *testing.T) { runCases(t, matMulCases()) }

func matMulCases() []operationCase {
	a, b := floats([]int{2, 3}, 1, 2, 3, 4, 5, 6), floats([]int{3, 2}, 1, 0, 2, 1, 0, 3)
	bT := floats([]int{2, 3}, 1, 2, 0, 0, 1, 3)
	ab := floats([]int{2, 2}, 5, 11, 14, 23)
	return []operationCase{
		{name: "MatMul 1", in: []*Tensor{a, b}, want: []*Tensor{ab}},
		{name: "MatMul 1 transpose_b", attributes: []string{"transpose_b", "true"}, in: []*Tensor{a, bT}, want: []*Tensor{ab}},
		{name: "MatMul 1 transpose both", attributes: []string{"transpose_a", "1", "transpose_b", "TRUE"}, in: []*Tensor{floats([]int{3, 2}, 1, 4, 2, 5, 3, 6), bT}, want: []*Tensor{ab}},
		{name: "MatMul 1 row", in: []*Tensor{floats([]int{3}, 1, 2, 3), b}, want: []*Tensor{floats([]int{2}, 5, 11)}},
		{name: "MatMul 1 column", in: []*Tensor{a, floats([]int{3}, 1, 2, 0)}, want: []*Tensor{floats([]int{2}, 5, 14)}},
		{name: "MatMul 1 vectors", in: []*Tensor{floats([]int{2}, 1, 2), floats([]int{2}, 3, 4)}, want: []*Tensor{floats([]int{}, 11)}},
		{
			name: "MatMul 1 batches", in: []*Tensor{floats([]int{2, 1, 1, 2}, 1, 2, 3, 4), floats([]int{2, 2, 1}, 1, 1, 10, 100)},
			want: []*Tensor{floats([]int{2, 2, 1, 1}, 3, 210, 7, 430)},
		},
		{name: "MatMul 1 nothing to sum", in: []*Tensor{floats([]int{1, 0}), floats([]int{0, 2})}, want: []*Tensor{floats([]int{1, 2}, 0, 0)}},
		{name: "MatMul 1 sizes", in: []*Tensor{a, a}, err: "rows of 3"},
		{name: "MatMul 1 scalar", in: []*Tensor{a, floats([]int{}, 1)}, err: "at least one dimension"},
	}
}

func TestReductions(t *testing.T) { runCases(t, reductionsCases()) }

func reductionsCases() []operationCase {
	x := floats([]int{2, 2}, 1, 3, 2, 6)
	return []operationCase{
		{name: "ReduceMean 1", in: []*Tensor{x, list(-1)}, want: []*Tensor{floats([]int{2}, 2, 4)}},
		{name: "ReduceMean 1 kept", attributes: []string{"keep_dims", "true"}, in: []*Tensor{x, list(0)}, want: []*Tensor{floats([]int{1, 2}, 1.5, 4.5)}},
		{name: "ReduceMean 1 all", in: []*Tensor{x, list(0, 1)}, want: []*Tensor{floats(nil, 3)}},
		{name: "ReduceMean 1 axis", in: []*Tensor{x, list(2)}, err: "axis: found 2, want -2 to 1"},
		{name: "ReduceMean 1 twice", in: []*Tensor{x, list(1, -1)}, err: "twice"},
		// (x − 4)/√(4 + 5) and (x − 4)/(√4 + 5) for the row 2, 6.
		{name: "MVN 6 inside", attributes: []string{"eps", "5", "eps_mode", "inside_sqrt"}, in: []*Tensor{floats([]int{1, 2}, 2, 6), list(-1)}, want: []*Tensor{floats([]int{1, 2}, -2.0/3, 2.0/3)}},
		{name: "MVN 6 outside", attributes: []string{"eps", "5", "eps_mode", "OUTSIDE_SQRT"}, in: []*Tensor{floats([]int{1, 2}, 2, 6), list(1)}, want: []*Tensor{floats([]int{1, 2}, -2.0/7, 2.0/7)}},
		{name: "MVN 6 mean only", attributes: []string{"eps", "1", "normalize_variance", "false"}, in: []*Tensor{x, list(0)}, want: []*Tensor{floats([]int{2, 2}, -0.5, -1.5, 0.5, 1.5)}},
		{name: "MVN 6 eps", in: []*Tensor{x, list(0)}, err: `eps: found ""`},
		// 1/(1 + e²) and e⁻¹-fold steps by hand.
		{name: "SoftMax 8 last", attributes: []string{"axis", "-1"}, in: []*Tensor{x}, want: []*Tensor{floats([]int{2, 2}, 0.11920292, 0.880797, 0.01798621, 0.98201376)}},
		{name: "SoftMax 1 first", attributes: []string{"axis", "0"}, in: []*Tensor{x}, want: []*Tensor{floats([]int{2, 2}, 0.26894143, 0.047425874, 0.7310586, 0.95257413)}},
		{name: "SoftMax 8 large", attributes: []string{"axis", "0"}, in: []*Tensor{floats([]int{2}, 1000, -10000)}, want: []*Tensor{floats([]int{2}, 1, 0)}},
		{name: "SoftMax 1 negative axis", attributes: []string{"axis", "-1"}, in: []*Tensor{x}, err: "before opset8"},
		{name: "Softmax 9 scalar", in: []*Tensor{floats([]int{}, 1)}, err: "scalar"},
	}
}
