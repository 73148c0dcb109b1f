package kernels

// Multipliers of the hash: the golden ratio spreads the counter, the others
// are those of the integer hash "lowbias32" (Wellons, 2018).
const (
	dropoutSpread = 0x9e3779b9
	dropoutMix1   = 0x7feb352d
	dropoutMix2   = 0x846ca68b
)

// keeps tells whether element i of the stretch is kept.
func (q dropoutParams) keeps(i int) bool {
	h := uint32(i)*dropoutSpread + q.key0
	h = (h ^ h>>16) * dropoutMix1
	h ^= q.key1
	h = (h ^ h>>15) * dropoutMix2
	h ^= h >> 16
	return int32(h>>1) >= q.threshold
}

func dropoutGeneric(q dropoutParams, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		if q.keeps(i) {
			y[i] = v * q.scale
		} else {
			y[i] = 0
		}
	}
}

func dropoutBackwardGeneric(q dropoutParams, dy, dx []float32) {
	dx = dx[:len(dy)]
	for i, v := range dy {
		if q.keeps(i) {
			dx[i] += float32(v * q.scale)
		}
	}
}
