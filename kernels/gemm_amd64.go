//go:build !noasm && !purego

package kernels

func init() {
	register(&gemmF32, Kernel{Op: "gemm_f32", Name: "gemm_f32_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 1}, gemmF32StripAVX2)
	register(&gemmF32, Kernel{Op: "gemm_f32", Name: "gemm_f32_avx512_8x48", ISA: AVX512, MR: 8, NR: 48, KR: 1}, gemmF32StripAVX512)
}

// gemmF32StripAVX512 is a [gemmF32Strip] of tiles of 8 rows and the fewest
// vectors of 16 columns; the last vector is masked.
func gemmF32StripAVX512(rows, cols, depth int, a []float32, ars, acs, atile int, b []float32, brs int, c []float32, ldc int, add bool) {
	vectors := ceilDiv(cols, 16)
	mask := uint16(0xffff) >> (16*vectors - cols)
	switch vectors {
	case 3:
		gemmF32Strip8x48(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, mask, add)
	case 2:
		gemmF32Strip8x32(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, mask, add)
	default:
		gemmF32Strip8x16(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, mask, add)
	}
}

// gemmF32StripAVX2 is a [gemmF32Strip] of tiles of 6 rows and one or two
// vectors of 8 columns. Masked stores are slow on some machines, so whole
// tiles have code without them.
func gemmF32StripAVX2(rows, cols, depth int, a []float32, ars, acs, atile int, b []float32, brs int, c []float32, ldc int, add bool) {
	switch {
	case cols == 16:
		gemmF32Strip6x16(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, nil, add)
	case cols > 8:
		gemmF32Strip6x16Masked(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, &laneMasks[16-cols], add)
	default:
		gemmF32Strip6x8Masked(rows, depth, &a[0], ars, acs, atile, &b[0], brs, &c[0], ldc, &laneMasks[8-cols], add)
	}
}

// laneMasks[8-n:] begins with n lanes that are on and 8−n that are off.
var laneMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// The strips of [gemmF32Strip] by width. The last vector of a row takes part
// under the mask; rows and depth are at least 1.

//go:noescape
func gemmF32Strip8x48(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)

//go:noescape
func gemmF32Strip8x32(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)

//go:noescape
func gemmF32Strip8x16(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)

//go:noescape
func gemmF32Strip6x16(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)

//go:noescape
func gemmF32Strip6x16Masked(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)

//go:noescape
func gemmF32Strip6x8Masked(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)
