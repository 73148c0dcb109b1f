package kernels

import (
	"math"
	"runtime"
	"slices"
	"testing"
)

// attention is a batch as attention has it: rows of heads side by side, keys as
// NT, values as NN.
func attention(sequences, heads, tokens, headDim int) (keys, values Batch, width int) {
	width = heads * headDim
	perHead, perSequence := headDim, tokens*width
	scores := tokens * tokens
	keys = Batch{Outer: sequences, Inner: heads, A: [2]int{perSequence, perHead}, B: [2]int{perSequence, perHead}, C: [2]int{heads * scores, scores}}
	values = Batch{Outer: sequences, Inner: heads, A: [2]int{heads * scores, scores}, B: [2]int{perSequence, perHead}, C: [2]int{perSequence, perHead}}
	return keys, values, width
}

// TestGemmInt8Batch compares the batch with products one by one. A and B end
// where memory ends.
func TestGemmInt8Batch(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i, s := range [][4]int{{1, 1, 1, 1}, {2, 3, 5, 16}, {2, 2, 37, 64}, {3, 12, 128, 64}} {
		guardedBytes := func(n int) []byte { return guarded[byte](t, n) }
		if testing.Short() && s[2] > 100 {
			continue
		}
		sequences, heads, tokens, headDim := s[0], s[1], s[2], s[3]
		keys, values, width := attention(sequences, heads, tokens, headDim)
		q := newInt8Product[int8](NT, sequences*tokens, sequences*tokens, width, 0, guardedBytes)
		p := newInt8Product[uint8](NT, sequences*heads*tokens, 1, tokens, 0, guardedBytes)
		int8Levels(t, func(t *testing.T) {
			for _, threads := range []int{1, 2} {
				runtime.GOMAXPROCS(threads)
				scores := guarded[int32](t, sequences*heads*tokens*tokens)
				e := &Epilogue{ZeroA: int32(i % 2 * 3), ZeroB: -1}
				GemmInt8Batch(keys, NT, tokens, tokens, headDim, q.a, width, q.b, width, scores, tokens, e)
				context := guarded[int8](t, sequences*tokens*width)
				f := &Epilogue{ZeroB: 5, Scale: []float32{1e-3}, Quantizer: Quantizer{Scale: 1}}
				GemmInt8Batch(values, NN, tokens, headDim, tokens, p.a, tokens, q.b, width, context, width, f)
				sums := guarded[int32](t, sequences*tokens*width)
				GemmInt8Batch(values, NN, tokens, headDim, tokens, p.a, tokens, q.b, width, sums, width, nil)
				for x := range sequences {
					for y := range heads {
						at := x*keys.A[0] + y*keys.A[1]
						want := make([]int32, tokens*tokens)
						GemmInt8(tokens, q.a[at:], width, PackInt8(NT, tokens, headDim, q.b[at:], width), want, tokens, e)
						from := x*keys.C[0] + y*keys.C[1]
						if !slices.Equal(scores[from:from+tokens*tokens], want) {
							t.Fatalf("%v: the scores of (%d, %d) differ", s, x, y)
						}
						out, plain := make([]int8, tokens*headDim), make([]int32, tokens*headDim)
						b := PackInt8(NN, headDim, tokens, q.b[at:], width)
						GemmInt8(tokens, p.a[from:], tokens, b, out, headDim, f)
						GemmInt8(tokens, p.a[from:], tokens, b, plain, headDim, nil)
						for i := range tokens {
							if !slices.Equal(sums[at+i*width:][:headDim], plain[i*headDim:][:headDim]) {
								t.Fatalf("%v: row %d of the sums of (%d, %d) differs", s, i, x, y)
							}
							if !slices.Equal(context[at+i*width:][:headDim], out[i*headDim:][:headDim]) {
								t.Fatalf("%v: row %d of the context of (%d, %d) differs", s, i, x, y)
							}
						}
					}
				}
			}
		})
	}
}

func TestGemmInt8BatchAllocs(t *testing.T) {
	keys, _, width := attention(2, 3, 20, 16)
	q := newInt8Product[int8](NT, 40, 40, width, 0, plainBytes)
	scores := make([]int32, 2*3*20*20)
	call := func() { GemmInt8Batch(keys, NT, 20, 20, 16, q.a, width, q.b, width, scores, 20, nil) }
	call()
	if n := testing.AllocsPerRun(10, call); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestGemmInt8BatchPanics(t *testing.T) {
	keys, _, width := attention(2, 3, 4, 16)
	a, b, c := make([]int8, 8*width), make([]int8, 8*width), make([]int32, 2*3*16)
	call := func(x Batch, a, b []int8, c []int32, e *Epilogue) {
		GemmInt8Batch(x, NT, 4, 4, 16, a, width, b, width, c, 4, e)
	}
	call(keys, a, b, c, nil)
	negative := keys
	negative.A[1] = -1
	const wild = math.MaxInt/2 + 1 // four times this is zero
	far := func(a, b, c int) Batch {
		return Batch{Outer: 5, Inner: 1, A: [2]int{a, 0}, B: [2]int{b, 0}, C: [2]int{c, 0}}
	}
	for name, test := range map[string]struct {
		want string
		call func()
	}{
		"batch":    {errBatch, func() { call(Batch{Outer: -1}, a, b, c, nil) }},
		"stride":   {errBatch, func() { call(negative, a, b, c, nil) }},
		"a":        {errShortA, func() { call(keys, a[:len(a)-1], b, c, nil) }},
		"b":        {errShortB, func() { call(keys, a, b[:len(b)-1], c, nil) }},
		"c":        {errShortC, func() { call(keys, a, b, c[:len(c)-1], nil) }},
		"wild a":   {errShortA, func() { call(far(wild, 0, 0), a, b, c, nil) }},
		"wild b":   {errShortB, func() { call(far(0, wild, 0), a, b, c, nil) }},
		"wild c":   {errShortC, func() { call(far(0, 0, wild), a, b, c, nil) }},
		"wild sum": {errShortA, func() { call(Batch{Outer: 2, Inner: 2, A: [2]int{wild, wild}}, a, b, c, nil) }},
		"no a":     {errShortA, func() { call(keys, nil, b, c, nil) }},
		"residual": {errEpilogue, func() { call(keys, a, b, c, &Epilogue{Residual: make([]float32, 16), LDR: 4}) }},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("panic %v, want %q", got, test.want)
				}
			}()
			test.call()
		})
	}
}
