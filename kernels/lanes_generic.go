package kernels

// lanes16 is how many sums the operations whose results are bit-equal keep side
// by side: a vector of AVX-512, two of AVX2.
const lanes16 = 16

// fold16 adds up the lanes in the order of FOLD_Z and FOLD_Y: halves, quarters
// and so on.
func fold16(lanes *[lanes16]float32) float32 {
	for n := lanes16 / 2; n > 0; n /= 2 {
		for l := range n {
			lanes[l] += lanes[l+n]
		}
	}
	return lanes[0]
}
