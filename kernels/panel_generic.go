package kernels

import "unsafe"

func init() {
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_generic_1x4", MR: 1, NR: 4, KR: 4}, int8Kernel{u8: panelInt8Generic, align: granuleBytes})
	register(&gemmPanelF32, Kernel{Op: "gemm_packed_f32", Name: "gemm_packed_f32_generic_1x4", MR: 1, NR: 4, KR: 1}, panelF32Generic)
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_generic_1x4", MR: 1, NR: 4, KR: 1}, bf16Kernel{panelF32Generic, true})
}

// The panel kernels in pure Go: one row of C, four columns at a time, whose sums
// the registers of every machine hold.

func panelInt8Generic(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	bs := unsafe.Slice((*[4]int8)(b), len(offs)*granuleWords*cols)
	for i := range rows {
		row := unsafe.Slice((*int32)(unsafe.Add(c, 4*i*ldc)), cols)
		for j := 0; j < cols; j += 4 {
			var s [4]int32
			if from != nil {
				s = *(*[4]int32)(unsafe.Add(from, 4*j))
			}
			at := j
			for _, off := range offs {
				for _, x := range (*[granuleWords][4]uint8)(unsafe.Add(a, i*lda+int(off))) {
					x0, x1, x2, x3 := int32(x[0]), int32(x[1]), int32(x[2]), int32(x[3])
					for l, y := range (*[4][4]int8)(bs[at:]) {
						s[l] += x0*int32(y[0]) + x1*int32(y[1]) + x2*int32(y[2]) + x3*int32(y[3])
					}
					at += cols
				}
			}
			copy(row[j:], s[:])
		}
	}
}

func panelF32Generic(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	bs := unsafe.Slice((*float32)(b), len(offs)*granuleWords*cols)
	for i := range rows {
		row := unsafe.Slice((*float32)(unsafe.Add(c, 4*i*ldc)), cols)
		for j := 0; j < cols; j += 4 {
			var s [4]float32
			if from != nil {
				s = *(*[4]float32)(unsafe.Add(from, 4*j))
			}
			s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
			at := j
			for _, off := range offs {
				for _, x := range (*[granuleWords]float32)(unsafe.Add(a, i*lda+int(off))) {
					y := (*[4]float32)(bs[at:])
					s0 += x * y[0]
					s1 += x * y[1]
					s2 += x * y[2]
					s3 += x * y[3]
					at += cols
				}
			}
			copy(row[j:], []float32{s0, s1, s2, s3})
		}
	}
}
