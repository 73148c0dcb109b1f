package ir

import (
	"math"
	"testing"
)

func booleans(shape []int, v ...int64) *Tensor { return as(Boolean, integers(shape, v...)) }

func TestCompare(t *testing.T) { runCases(t, compareCases()) }

func compareCases() []operationCase {
	x := floats([]int{3}, 1, 2, float32(math.NaN()))
	return []operationCase{
		{name: "Equal 1", in: []*Tensor{x, x}, want: []*Tensor{booleans([]int{3}, 1, 1, 0)}},
		{name: "Equal 1 broadcast", in: []*Tensor{integers([]int{2, 2}, 1, 0, 1, 1), integers([]int{1, 1}, 0)}, want: []*Tensor{booleans([]int{2, 2}, 0, 1, 0, 0)}},
		{name: "Equal 1 booleans", in: []*Tensor{booleans([]int{2}, 0, 1), booleans([]int{}, 0)}, want: []*Tensor{booleans([]int{2}, 1, 0)}},
		{name: "Equal 1 empty", in: []*Tensor{floats([]int{0}), floats([]int{0})}, want: []*Tensor{booleans([]int{0})}},
		{name: "Equal 1 types differ", in: []*Tensor{list(1), floats([]int{1}, 1)}, err: "want one type"},
		{name: "NotEqual 1", in: []*Tensor{x, floats([]int{}, 2)}, want: []*Tensor{booleans([]int{3}, 1, 0, 1)}},
		{name: "Less 1", in: []*Tensor{list(1, 2, 3), scalar(2)}, want: []*Tensor{booleans([]int{3}, 1, 0, 0)}},
		{name: "LessEqual 1", in: []*Tensor{x, floats([]int{}, 1)}, want: []*Tensor{booleans([]int{3}, 1, 0, 0)}},
		{name: "Greater 1", in: []*Tensor{list(1, 2, 3), scalar(2)}, want: []*Tensor{booleans([]int{3}, 0, 0, 1)}},
		{name: "GreaterEqual 1", in: []*Tensor{list(0, 1), integers([]int{2, 1}, 0, 1)}, want: []*Tensor{booleans([]int{2, 2}, 1, 1, 0, 1)}},
		{name: "LogicalAnd 1", in: []*Tensor{booleans([]int{2}, 0, 1), booleans([]int{2, 1}, 0, 1)}, want: []*Tensor{booleans([]int{2, 2}, 0, 0, 0, 1)}},
		{name: "LogicalOr 1", in: []*Tensor{booleans([]int{2}, 0, 1), booleans([]int{2, 1}, 0, 1)}, want: []*Tensor{booleans([]int{2, 2}, 0, 1, 1, 1)}},
		{name: "LogicalOr 1 integers", in: []*Tensor{list(0), list(1)}, err: "want booleans"},
		{name: "LogicalNot 1", in: []*Tensor{booleans([]int{2}, 0, 1)}, want: []*Tensor{booleans([]int{2}, 1, 0)}},
		{name: "LogicalNot 1 floats", in: []*Tensor{x}, err: "want booleans"},
		{name: "CumSum 3", in: []*Tensor{integers([]int{2, 3}, 1, 2, 3, 4, 5, 6), scalar(1)}, want: []*Tensor{integers([]int{2, 3}, 1, 3, 6, 4, 9, 15)}},
		{name: "CumSum 3 columns", in: []*Tensor{floats([]int{2, 2}, 1, 2, 3, 4), scalar(0)}, want: []*Tensor{floats([]int{2, 2}, 1, 2, 4, 6)}},
		{name: "CumSum 3 exclusive", attributes: []string{"exclusive", "true"}, in: []*Tensor{list(1, 2, 3), scalar(-1)}, want: []*Tensor{list(0, 1, 3)}},
		{name: "CumSum 3 reverse", attributes: []string{"reverse", "true"}, in: []*Tensor{floats([]int{3}, 1, 2, 3), scalar(0)}, want: []*Tensor{floats([]int{3}, 6, 5, 3)}},
		{name: "CumSum 3 both", attributes: []string{"reverse", "true", "exclusive", "true"}, in: []*Tensor{floats([]int{3}, 1, 2, 3), scalar(0)}, want: []*Tensor{floats([]int{3}, 5, 3, 0)}},
		{name: "CumSum 3 axis", in: []*Tensor{list(1), scalar(1)}, err: "axis"},
		{name: "ScatterUpdate 3", in: []*Tensor{list(0, 0), list(1), list(5), scalar(0)}, want: []*Tensor{list(0, 5)}},
		{
			name: "ScatterUpdate 3 columns", in: []*Tensor{floats([]int{2, 3}, 1, 2, 3, 4, 5, 6), list(-1, 0), floats([]int{2, 2}, 7, 8, 9, 10), scalar(1)},
			want: []*Tensor{floats([]int{2, 3}, 8, 2, 7, 10, 5, 9)},
		},
		{name: "ScatterUpdate 3 rows", in: []*Tensor{integers([]int{3, 2}, 1, 2, 3, 4, 5, 6), scalar(1), list(8, 9), scalar(0)}, want: []*Tensor{integers([]int{3, 2}, 1, 2, 8, 9, 5, 6)}},
		{name: "ScatterUpdate 3 outside", in: []*Tensor{list(0, 0), list(2), list(5), scalar(0)}, err: "index: found 2, want one below 2"},
		{name: "ScatterUpdate 3 shapes", in: []*Tensor{list(0, 0), list(1), list(5, 6), scalar(0)}, err: "updates i64 [2]"},
	}
}

func TestFakeConvert(t *testing.T) { runCases(t, fakeConvertCases()) }

// Numbers of E4M3 have 3 bits behind the leading one, from 2⁻⁶ to 448, and below
// that multiples of 2⁻⁹; those of E5M2 2 bits, to 57344, multiples of 2⁻¹⁶ below 2⁻¹⁴.
func fakeConvertCases() []operationCase {
	one := floats([]int{}, 1)
	return []operationCase{
		{
			name: "FakeConvert 13 E4M3", attributes: []string{"destination_type", "f8e4m3"},
			in:   []*Tensor{floats([]int{9}, 1.0625, 1.1875, -17, 19, 449, -inf, 3.0/1024, 0.8/512, 0), one},
			want: []*Tensor{floats([]int{9}, 1, 1.25, -16, 20, 448, -448, 2.0/512, 1.0/512, 0)},
		},
		{
			name: "FakeConvert 13 E5M2", attributes: []string{"destination_type", "f8e5m2"},
			in:   []*Tensor{floats([]int{5}, 1.125, 1.375, 1e6, 1.5/65536, -0.4/65536), one},
			want: []*Tensor{floats([]int{5}, 1, 1.5, 57344, 2.0/65536, 0)},
		},
		{
			name: "FakeConvert 13 scale of rows and shift", attributes: []string{"destination_type", "f8e4m3"},
			in: []*Tensor{floats([]int{2, 1}, 1, 1.0625), floats([]int{2, 1}, 17, 2), floats([]int{}, 1)},
			// 17 − 1 = 16 is a number of E4M3, 2.125 − 1 = 1.125 is one.
			want: []*Tensor{floats([]int{2, 1}, 1, 1.0625)},
		},
		{name: "FakeConvert 13 type", attributes: []string{"destination_type", "f8"}, in: []*Tensor{one, one}, err: `destination_type: found "f8", want f8e4m3 or f8e5m2`},
		{name: "FakeConvert 13 shape", attributes: []string{"destination_type", "f8e4m3"}, in: []*Tensor{one, floats([]int{2}, 1, 1)}, err: "input 1: found f32 of shape [2], want f32 that broadcasts to []"},
	}
}

func TestAttention(t *testing.T) { runCases(t, attentionCases()) }

// attentionCases weigh values 1, 2 and 4: equally where the query is 0, and by
// e^(s−1) : e^s : e^(s+1) where scale and key give scores from s−1 to s+1.
func attentionCases() []operationCase {
	q, k, v := floats([]int{1, 2, 4}, 0, 0, 0, 0, 2, 0, 0, 0), floats([]int{1, 3, 4}, -1, 9, 9, 9, 0, 9, 9, 9, 1, 9, 9, 9), floats([]int{1, 3, 1}, 1, 2, 4)
	e := math.E
	rising := float32((1 + 2*e + 4*e*e) / (1 + e + e*e))
	return []operationCase{
		{name: "ScaledDotProductAttention 13", in: []*Tensor{q, k, v}, want: []*Tensor{floats([]int{1, 2, 1}, 7.0/3, rising)}},
		{name: "ScaledDotProductAttention 13 scale", in: []*Tensor{q, k, v, floats([]int{}, 0), floats([]int{1}, 0)}, want: []*Tensor{floats([]int{1, 2, 1}, 7.0/3, 7.0/3)}},
		{
			name: "ScaledDotProductAttention 13 mask", in: []*Tensor{q, k, v, floats([]int{1, 1, 3}, 0, -1e30, 0)},
			want: []*Tensor{floats([]int{1, 2, 1}, 2.5, float32((1+4*e*e)/(1+e*e)))},
		},
		{
			name: "ScaledDotProductAttention 13 boolean", in: []*Tensor{q, k, v, booleans([]int{2, 3}, 1, 0, 0, 0, 1, 1)},
			want: []*Tensor{floats([]int{1, 2, 1}, 1, float32((2+4*e)/(1+e)))},
		},
		{
			name: "ScaledDotProductAttention 13 causal", attributes: []string{"causal", "true"}, in: []*Tensor{q, k, v, booleans([]int{1, 1}, 0)},
			want: []*Tensor{floats([]int{1, 2, 1}, 1, float32((1+2*e)/(1+e)))},
		},
		{
			name: "ScaledDotProductAttention 13 heads", in: []*Tensor{floats([]int{2, 1, 1}, 0, 0), floats([]int{1, 2, 1}, 1, 1), floats([]int{2, 2, 1}, 1, 3, 5, 9)},
			want: []*Tensor{floats([]int{2, 1, 1}, 2, 7)},
		},
		{name: "ScaledDotProductAttention 13 widths", in: []*Tensor{q, v, v}, err: "want the same"},
		{name: "ScaledDotProductAttention 13 values", in: []*Tensor{q, k, q}, err: "want the same"},
		{name: "ScaledDotProductAttention 13 matrices", in: []*Tensor{q, floats([]int{1, 1}, 1), v}, err: "at least 3 dimensions"},
		{name: "ScaledDotProductAttention 13 larger mask", in: []*Tensor{q, k, v, booleans([]int{2, 2, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)}, err: "mask: found shape [2 2 3]"},
		{name: "ScaledDotProductAttention 13 integer mask", in: []*Tensor{q, k, v, list(1, 1, 1)}, err: "mask: found i64"},
		{name: "ScaledDotProductAttention 13 scales", in: []*Tensor{q, k, v, floats([]int{}, 0), floats([]int{2}, 1, 1)}, err: "scale: found shape [2]"},
	}
}
