package kernels

import "unsafe"

// preparation is what rows of A need before a panelKernel can read them.
type preparation uint8

const (
	asIs       preparation = iota
	copied                 // copied, the depth padded with zeros
	flipped                // int8 to uint8: 128 added to each
	extended               // uint8 to int16
	signedWide             // int8 to int16
	expanded               // BF16 to float32, the depth padded with zeros
)

// prepareRows writes rows of n elements, lda bytes apart, to dst, ldd bytes
// apart. What lies behind them in dst meets zeros of B; so it is cleared only
// where a row is copied, since zero times NaN is NaN.
func prepareRows(kind preparation, rows, n, elem int, a unsafe.Pointer, lda int, dst []byte, ldd int) {
	for i := range rows {
		src := unsafe.Slice((*byte)(unsafe.Add(a, i*lda)), n*elem)
		row := dst[i*ldd : (i+1)*ldd]
		if kind == copied {
			clear(row[copy(row, src):])
			continue
		}
		if kind == expanded && n > 0 {
			floats := unsafe.Slice((*float32)(unsafe.Pointer(&row[0])), ldd/4)
			expandBF16Family.use.fn(floats[:n], unsafe.Slice((*BF16)(unsafe.Pointer(&src[0])), n))
			clear(floats[n:])
			continue
		}
		done := prepareFast(kind, src, row)
		switch kind {
		case flipped:
			for j := done; j < n; j++ {
				row[j] = src[j] ^ 0x80
			}
		default:
			wide := unsafe.Slice((*int16)(unsafe.Pointer(&row[0])), n)
			for j := done; j < n; j++ {
				wide[j] = int16(src[j])
				if kind == signedWide {
					wide[j] = int16(int8(src[j]))
				}
			}
		}
	}
}
