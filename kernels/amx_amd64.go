//go:build !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_amx_32x32", ISA: AMX, MR: 32, NR: 32, KR: 4},
		int8Kernel{u8: gemmInt8AMXU8, s8: gemmInt8AMXS8, align: amxRun * granuleBytes})
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_amx_32x32", ISA: AMX, Features: "AMXBF16", MR: 32, NR: 32, KR: 2},
		bf16Kernel{fn: gemmBF16AMX})
}

// amxRun is the number of granules that fill an AMX tile.
const amxRun = 4

// tileConfig is what LDTILECFG loads: the shapes of the AMX tiles.
type tileConfig struct {
	palette  uint8
	_        [15]byte // where an interrupted load or store goes on, and nothing
	rowBytes [16]uint16
	rows     [16]uint8
}

// newTileConfig describes the tiles of a step of run granules, with rows of C,
// at most 32: tmm0 to tmm3 are C, tmm4 and tmm5 A, tmm6 and tmm7 B.
func newTileConfig(rows, run int) (cfg tileConfig) {
	upper := uint8(min(rows, 16))
	lower := uint8(max(rows-16, 1)) // tmm2, tmm3 and tmm5 stay unused where rows ≤ 16, but a tile has a row
	cfg.palette = 1
	cfg.rows = [16]uint8{upper, upper, lower, lower, upper, lower, uint8(granuleWords * run), uint8(granuleWords * run)}
	a := uint16(granuleBytes * run)
	cfg.rowBytes = [16]uint16{64, 64, 64, 64, a, a, 64, 64}
	return cfg
}

// tileRun is the longest run, of four, two or one granules that follow each
// other in A, of which all of offs consists.
func tileRun(offs []int32) int {
	run := amxRun
	for len(offs)%run != 0 {
		run /= 2
	}
	for i := 1; i < len(offs); i++ {
		for i%run != 0 && offs[i] != offs[i-1]+granuleBytes {
			run /= 2
		}
	}
	return run
}

// gemmInt8AMXU8, gemmInt8AMXS8 and gemmBF16AMX are [panelKernel]s. A product of
// n rows of A takes AMX about as long as one of 16, or of 32 where n > 16.

func gemmInt8AMXU8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	run := tileRun(offs)
	if blocksInPairs(rows, cols, run, offs) {
		whole := rows &^ 31
		cfg := newTileConfig(32, amxRun)
		var scratch pairScratch
		gemmInt8AMXPairsU8(whole/32, a, lda, offs, b, c, ldc, from, &cfg, &scratch)
		if whole == rows {
			return
		}
		rows, a, c = rows-whole, unsafe.Add(a, whole*lda), unsafe.Add(c, whole*ldc*4)
	}
	full, tail := newTileConfig(32, run), newTileConfig(rows%32, run)
	gemmInt8AMX32x32U8(rows, cols, a, lda, offs, b, c, ldc, from, run, &full, &tail)
}

func gemmInt8AMXS8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	run := tileRun(offs)
	if blocksInPairs(rows, cols, run, offs) {
		whole := rows &^ 31
		cfg := newTileConfig(32, amxRun)
		var scratch pairScratch
		gemmInt8AMXPairsS8(whole/32, a, lda, offs, b, c, ldc, from, &cfg, &scratch)
		if whole == rows {
			return
		}
		rows, a, c = rows-whole, unsafe.Add(a, whole*lda), unsafe.Add(c, whole*ldc*4)
	}
	full, tail := newTileConfig(32, run), newTileConfig(rows%32, run)
	gemmInt8AMX32x32S8(rows, cols, a, lda, offs, b, c, ldc, from, run, &full, &tail)
}

func gemmBF16AMX(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	run := tileRun(offs)
	full, tail := newTileConfig(32, run), newTileConfig(rows%32, run)
	gemmBF16AMX32x32(rows, cols, a, lda, offs, b, c, ldc, from, run, &full, &tail)
}

// The loops of [panelKernel] in steps of run granules, with the configurations
// of whole tiles and of the last one, which has rows%32 rows. Each call loads a
// configuration and releases it: a goroutine may go on on another thread, but
// not within assembly.

//go:noescape
func gemmInt8AMX32x32U8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)

//go:noescape
func gemmInt8AMX32x32S8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)

//go:noescape
func gemmBF16AMX32x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)
