//go:build !noasm && !purego

package kernels

import (
	"math"
	"runtime"
	"time"
)

// limits are the loops of multiplications on registers by what runs a product,
// and their products a round.
var limits = map[string]struct {
	loop     func(rounds int)
	products int
}{
	"gemm_int8_avx2": {peakMADD256, 8 * 16}, "gemm_int8_avxvnni": {peakInt8VEX, 12 * 32},
	"gemm_int8_avx512": {peakMADD512, 16 * 32}, "gemm_int8_vnni": {peakVNNI512, 16 * 64},
	"gemm_packed_f32_avx2": {peakFMA256, 12 * 8}, "gemm_packed_f32_avx512": {peakFMA512, 16 * 16},
	"gemm_bf16_avx2": {peakFMA256, 12 * 8}, "gemm_bf16_avx512": {peakFMA512, 16 * 16}, "gemm_bf16_vnni": {peakBF16, 16 * 32},
}

// Limit is what the machine's multipliers reach at most, in billions of
// operations a second of GOMAXPROCS cores, with the instructions of the kernel
// in use for op ("gemm_int8", "gemm_packed_f32" or "gemm_bf16"); the best of
// several short runs just now. It is 0 where it is not known: for AMX and for
// pure Go.
func Limit(op string) float64 {
	l, ok := limits[op+"_"+Selected(op).ISA.String()]
	if !ok {
		return 0
	}
	const rounds = 1 << 15
	best := time.Duration(math.MaxInt64)
	for range 50 {
		begun := time.Now()
		l.loop(rounds)
		best = min(best, time.Since(begun))
	}
	return 2 * float64(l.products) * rounds / best.Seconds() / 1e9 * float64(runtime.GOMAXPROCS(0))
}
