package kernels

func init() {
	register(&gemmF32, Kernel{Op: "gemm_f32", Name: "gemm_f32_generic_4x4", ISA: Generic, MR: 4, NR: 4, KR: 1}, gemmF32StripGeneric)
}

// gemmF32StripGeneric is a [gemmF32Strip] in pure Go. A tile is 4 rows of C and
// 4 columns; half of it at a time, 2×4, is what the registers of every machine
// hold along with the operands.
func gemmF32StripGeneric(rows, cols, depth int, a []float32, ars, acs, atile int, b []float32, brs int, c []float32, ldc int, add bool) {
	for i := 0; i < rows; i += 2 {
		at := a[i/4*atile+i%4*ars:]
		var sums [2][4]float32
		switch {
		case rows-i >= 2 && cols == 4:
			gemmF32Tile2x4(&sums, depth, at, ars, acs, b, brs)
		default:
			for r := range min(2, rows-i) {
				for j := range cols {
					var s float32
					for p := range depth {
						s += at[r*ars+p*acs] * b[p*brs+j]
					}
					sums[r][j] = s
				}
			}
		}
		for r := range min(2, rows-i) {
			row := c[(i+r)*ldc : (i+r)*ldc+cols]
			for j := range row {
				if add {
					row[j] += sums[r][j]
				} else {
					row[j] = sums[r][j]
				}
			}
		}
	}
}

// gemmF32Tile2x4 sums up two rows of C, four columns wide.
func gemmF32Tile2x4(sums *[2][4]float32, depth int, a []float32, ars, acs int, b []float32, brs int) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a1 := a[ars:]
	for p := range depth {
		x, y := a[p*acs], a1[p*acs]
		row := (*[4]float32)(b[p*brs:])
		s00 += x * row[0]
		s01 += x * row[1]
		s02 += x * row[2]
		s03 += x * row[3]
		s10 += y * row[0]
		s11 += y * row[1]
		s12 += y * row[2]
		s13 += y * row[3]
	}
	*sums = [2][4]float32{{s00, s01, s02, s03}, {s10, s11, s12, s13}}
}
