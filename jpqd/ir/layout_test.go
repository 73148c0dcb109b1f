package ir

import (
	"math"
	"testing"
)

func TestLayout(t *testing.T) { runCases(t, layoutCases()) }

func layoutCases() []operationCase {
	x := integers([]int{2, 3}, 1, 2, 3, 4, 5, 6)
	f := floats([]int{2, 3}, 1, 2, 3, 4, 5, 6)
	cube := integers([]int{2, 1, 2}, 1, 2, 3, 4)
	return []operationCase{
		{name: "Reshape 1", in: []*Tensor{x, list(3, -1)}, want: []*Tensor{integers([]int{3, 2}, 1, 2, 3, 4, 5, 6)}},
		{name: "Reshape 1 zero copies", attributes: []string{"special_zero", "true"}, in: []*Tensor{f, list(0, 1, -1)}, want: []*Tensor{floats([]int{2, 1, 3}, 1, 2, 3, 4, 5, 6)}},
		{name: "Reshape 1 zero is empty", in: []*Tensor{floats([]int{0, 3}), list(3, 0)}, want: []*Tensor{floats([]int{3, 0})}},
		{name: "Reshape 1 two free", in: []*Tensor{x, list(-1, -1)}, err: "does not fit"},
		{name: "Reshape 1 other size", in: []*Tensor{x, list(4, 2)}, err: "8 elements, want 6"},
		{name: "Reshape 1 no such dimension", attributes: []string{"special_zero", "true"}, in: []*Tensor{x, list(1, 2, 0)}, err: "does not fit"},
		{name: "Reshape 1 overflow", in: []*Tensor{x, list(math.MaxInt64, math.MaxInt64)}, err: "want at most"},
		{name: "Reshape 1 rank", in: []*Tensor{x, integers([]int{40}, make([]int64, 40)...)}, err: "40 dimensions, want at most 32"},
		{name: "Transpose 1", in: []*Tensor{x, list(1, 0)}, want: []*Tensor{integers([]int{3, 2}, 1, 4, 2, 5, 3, 6)}},
		{name: "Transpose 1 heads", in: []*Tensor{floats([]int{1, 2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8), list(0, 2, 1, 3)}, want: []*Tensor{floats([]int{1, 2, 2, 2}, 1, 2, 5, 6, 3, 4, 7, 8)}},
		{name: "Transpose 1 reversed", in: []*Tensor{x, list()}, want: []*Tensor{integers([]int{3, 2}, 1, 4, 2, 5, 3, 6)}},
		{name: "Transpose 1 short", in: []*Tensor{x, list(0)}, err: "every axis once"},
		{name: "Unsqueeze 1", in: []*Tensor{x, list(1, 2)}, want: []*Tensor{integers([]int{2, 1, 1, 3}, 1, 2, 3, 4, 5, 6)}},
		{name: "Unsqueeze 1 rank", in: []*Tensor{x, integers([]int{40}, make([]int64, 40)...)}, err: "want at most 32"},
		{name: "Unsqueeze 1 last", in: []*Tensor{list(1, 2), scalar(-1)}, want: []*Tensor{integers([]int{2, 1}, 1, 2)}},
		{name: "Squeeze 1", in: []*Tensor{cube, list(1)}, want: []*Tensor{integers([]int{2, 2}, 1, 2, 3, 4)}},
		{name: "Squeeze 15 all", in: []*Tensor{integers([]int{1, 1}, 5)}, want: []*Tensor{scalar(5)}},
		{name: "Squeeze 1 not 1", in: []*Tensor{cube, list(0)}, err: "want a dimension of 1"},
		{name: "ShapeOf 1", in: []*Tensor{cube}, want: []*Tensor{list(2, 1, 2)}},
		{name: "ShapeOf 3", attributes: []string{"output_type", "i32"}, in: []*Tensor{floats([]int{}, 1)}, want: []*Tensor{as(I32, list())}},
		{name: "Broadcast 3", in: []*Tensor{list(1, 2), list(2, 2)}, want: []*Tensor{integers([]int{2, 2}, 1, 2, 1, 2)}},
		{name: "Broadcast 3 bidirectional", attributes: []string{"mode", "BIDIRECTIONAL"}, in: []*Tensor{cube, list(2, 1)}, want: []*Tensor{integers([]int{2, 2, 2}, 1, 2, 1, 2, 3, 4, 3, 4)}},
		{name: "Broadcast 3 one way", in: []*Tensor{cube, list(2, 1)}, err: "broadcasts to [2 1]"},
		{name: "Broadcast 3 huge", in: []*Tensor{scalar(1), list(1<<40, 1<<40)}, err: "want at most"},
		{name: "Concat 1", attributes: []string{"axis", "-1"}, in: []*Tensor{x, integers([]int{2, 1}, 7, 8)}, want: []*Tensor{integers([]int{2, 4}, 1, 2, 3, 7, 4, 5, 6, 8)}},
		{name: "Concat 1 first axis", attributes: []string{"axis", "0"}, in: []*Tensor{floats([]int{0, 3}), f, f}, want: []*Tensor{floats([]int{4, 3}, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6)}},
		{name: "Concat 1 sizes", attributes: []string{"axis", "0"}, in: []*Tensor{x, list(1)}, err: "input 1"},
		{name: "Split 1", attributes: []string{"num_splits", "3"}, in: []*Tensor{x, scalar(1)}, want: []*Tensor{integers([]int{2, 1}, 1, 4), integers([]int{2, 1}, 2, 5), integers([]int{2, 1}, 3, 6)}},
		{name: "Split 1 uneven", attributes: []string{"num_splits", "2"}, in: []*Tensor{x, scalar(1)}, err: "num_splits", want: nil},
		{name: "VariadicSplit 1", in: []*Tensor{f, scalar(1), list(1, -1)}, want: []*Tensor{floats([]int{2, 1}, 1, 4), floats([]int{2, 2}, 2, 3, 5, 6)}},
		{name: "VariadicSplit 1 sum", in: []*Tensor{f, scalar(1), list(1, 1)}, err: "want a sum of 3"},
		{name: "VariadicSplit 1 beyond", in: []*Tensor{f, scalar(1), list(4, -1)}, err: "lengths"},
		{name: "Range 4", attributes: []string{"output_type", "i64"}, in: []*Tensor{scalar(2), scalar(7), scalar(2)}, want: []*Tensor{list(2, 4, 6)}},
		{name: "Range 4 down", attributes: []string{"output_type", "f32"}, in: []*Tensor{floats([]int{}, 1), floats([]int{}, 0), floats([]int{}, -0.5)}, want: []*Tensor{floats([]int{2}, 1, 0.5)}},
		{name: "Range 4 empty", attributes: []string{"output_type", "i32"}, in: []*Tensor{scalar(2), scalar(2), scalar(1)}, want: []*Tensor{as(I32, list())}},
		{name: "Range 4 no step", attributes: []string{"output_type", "i32"}, in: []*Tensor{scalar(0), scalar(2), scalar(0)}, err: "at most"},
	}
}

func TestGather(t *testing.T) { runCases(t, gatherCases()) }

func gatherCases() []operationCase {
	x := floats([]int{3, 2}, 1, 2, 3, 4, 5, 6)
	return []operationCase{
		{name: "Gather 8 rows", in: []*Tensor{x, integers([]int{1, 2}, 2, -3), scalar(0)}, want: []*Tensor{floats([]int{1, 2, 2}, 5, 6, 1, 2)}},
		{name: "Gather 8 columns", in: []*Tensor{x, list(1, 1, 0), scalar(-1)}, want: []*Tensor{floats([]int{3, 3}, 2, 2, 1, 4, 4, 3, 6, 6, 5)}},
		{name: "Gather 1 one token", in: []*Tensor{integers([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8), scalar(0), list(1)}, want: []*Tensor{integers([]int{2, 2}, 1, 2, 5, 6)}},
		{
			name: "Gather 8 batches", attributes: []string{"batch_dims", "1"},
			in: []*Tensor{x, integers([]int{3, 2}, 0, 0, 1, 0, -1, 1), scalar(1)}, want: []*Tensor{floats([]int{3, 2}, 1, 1, 4, 3, 6, 6)},
		},
		{
			name: "Gather 7 batches and middle", attributes: []string{"batch_dims", "-1"},
			in:   []*Tensor{integers([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8), integers([]int{2, 1}, 1, 0), scalar(2)},
			want: []*Tensor{integers([]int{2, 2, 1}, 2, 4, 5, 7)},
		},
		{name: "Gather 8 outside", in: []*Tensor{x, list(3), scalar(0)}, err: "index: found 3, want one below 3"},
		{name: "Gather 8 no entries", in: []*Tensor{floats([]int{0, 2}), list(0), scalar(0)}, err: "no entries"},
		{name: "Gather 8 batch sizes", attributes: []string{"batch_dims", "1"}, in: []*Tensor{x, integers([]int{2, 1}, 0, 0), scalar(1)}, err: "batch_dims"},
		{name: "Gather 8 floats", in: []*Tensor{x, floats([]int{1}, 0), scalar(0)}, err: "want integers"},
	}
}

func TestSlices(t *testing.T) { runCases(t, slicesCases()) }

func slicesCases() []operationCase {
	x := integers([]int{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
	masks := func(pairs ...string) []string { return pairs }
	const lowest, highest = math.MinInt64, math.MaxInt64
	return []operationCase{
		{name: "Slice 8", in: []*Tensor{x, list(1), list(3), list(1), list(1)}, want: []*Tensor{integers([]int{2, 2}, 2, 3, 6, 7)}},
		{name: "Slice 8 no axes", in: []*Tensor{x, list(1, 0), list(2, -1), list(1, 2)}, want: []*Tensor{integers([]int{1, 2}, 5, 7)}},
		{name: "Slice 8 backwards", in: []*Tensor{x, list(-1), list(lowest), list(-2), list(-1)}, want: []*Tensor{integers([]int{2, 2}, 4, 2, 8, 6)}},
		{name: "Slice 8 beyond", in: []*Tensor{x, list(2), list(highest), list(1), list(1)}, want: []*Tensor{integers([]int{2, 2}, 3, 4, 7, 8)}},
		{name: "Slice 8 empty", in: []*Tensor{x, list(3), list(1), list(1), list(1)}, want: []*Tensor{integers([]int{2, 0})}},
		{name: "Slice 8 huge steps", in: []*Tensor{x, list(0, 3), list(2, lowest), list(highest, lowest)}, want: []*Tensor{integers([]int{1, 1}, 4)}},
		{name: "Slice 8 step 0", in: []*Tensor{x, list(0), list(1), list(0), list(1)}, err: "step: found 0"},
		{name: "Slice 8 counts", in: []*Tensor{x, list(0, 1), list(1), list(1), list(1)}, err: "2 starts"},
		{name: "StridedSlice 1", in: []*Tensor{x, list(0, 1), list(1, 4), list(1, 2)}, want: []*Tensor{integers([]int{1, 2}, 2, 4)}},
		{
			name: "StridedSlice 1 masks", attributes: masks("begin_mask", "1,0", "end_mask", "1,1"),
			in: []*Tensor{x, list(1, 2), list(1, 0), list(1, 1)}, want: []*Tensor{integers([]int{2, 2}, 3, 4, 7, 8)},
		},
		{
			name: "StridedSlice 1 reversed", attributes: masks("begin_mask", "0,1", "end_mask", "0, 1"),
			in: []*Tensor{x, list(0, 0), list(1, 0), list(1, -1)}, want: []*Tensor{integers([]int{1, 4}, 4, 3, 2, 1)},
		},
		{
			name: "StridedSlice 1 one column", attributes: masks("begin_mask", "1,0", "end_mask", "1,0", "shrink_axis_mask", "0,1"),
			in: []*Tensor{x, list(0, -2), list(0, 0)}, want: []*Tensor{integers([]int{2}, 3, 7)},
		},
		{
			name: "StridedSlice 1 ellipsis and new axis", attributes: masks("ellipsis_mask", "1,0,0", "new_axis_mask", "0,1,0", "begin_mask", "", "end_mask", "0"),
			in: []*Tensor{x, list(0, 0, 1), list(0, 0, 3), list(1, 1, 1)}, want: []*Tensor{integers([]int{2, 1, 2}, 2, 3, 6, 7)},
		},
		{name: "StridedSlice 1 fewer entries", in: []*Tensor{x, list(1), list(2)}, want: []*Tensor{integers([]int{1, 4}, 5, 6, 7, 8)}},
		{name: "StridedSlice 1 too many", in: []*Tensor{x, list(0, 0, 0), list(1, 1, 1)}, err: "3 dimensions"},
		{name: "StridedSlice 1 index", attributes: masks("shrink_axis_mask", "1"), in: []*Tensor{x, list(2), list(3)}, err: "found 2"},
		{name: "StridedSlice 1 mask text", attributes: masks("end_mask", "x"), in: []*Tensor{x, list(2), list(3)}, err: "end_mask"},
	}
}
