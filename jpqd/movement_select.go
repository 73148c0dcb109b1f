package jpqd

// scoreSource is a slice of scores, each of which stands for count equal elements.
type scoreSource struct {
	scores []float32
	count  int
}

// radixDigits cut an order key, from the top: shift and bits of each digit.
var radixDigits = [3]struct{ shift, bits uint }{{21, 11}, {10, 11}, {0, 10}}

// orderStatistic returns the element at place rank, from 0, of all sources'
// elements in ascending order, and how many elements are at most as great. It
// is a radix selection, linear in the number of scores. It neither moves
// anything nor allocates. Adding 0 makes one key of zeros of either sign.
func orderStatistic(sources []scoreSource, rank int) (value float32, upTo int) {
	var elements [1 << 11]int // by the digit at hand
	prefix, below := uint32(0), 0
	for _, d := range radixDigits {
		counts, top := elements[:1<<d.bits], d.shift+d.bits
		clear(counts)
		for _, s := range sources {
			for _, v := range s.scores {
				if k := orderKey(v + 0); uint64(k)>>top == uint64(prefix)>>top {
					counts[k>>d.shift&(1<<d.bits-1)] += s.count
				}
			}
		}
		digit := 0
		for below+counts[digit] <= rank {
			below += counts[digit]
			digit++
		}
		prefix |= uint32(digit) << d.shift
		upTo = below + counts[digit]
	}
	return keyValue(prefix), upTo
}

// nextScore returns the least score above v, or v where there is none.
func nextScore(sources []scoreSource, v float32) float32 {
	least, found := v, false
	for _, s := range sources {
		for _, x := range s.scores {
			if x > v && (!found || x < least) {
				least, found = x, true
			}
		}
	}
	return least
}
