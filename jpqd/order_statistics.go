package jpqd

import (
	"math"
	"math/bits"
	"runtime"
	"slices"

	"github.com/go-jpqd/jpqd/kernels"
)

// selectLimit is the number of values up to which order statistics are found in
// a copy of the values, and above which by counting: 65536 counters of each of
// two digits cost more than the partition of a short row.
const selectLimit = 1 << 16

// orderStatistics finds the values of x that stand at the given ranks, from 0
// and ascending but for repetitions, were x sorted. It writes them to found;
// unordered says that there is a NaN in x. scratch is memory to be used again.
func orderStatistics(x []float32, ranks []int, found, scratch []float32) (grown []float32, unordered bool) {
	if len(x) > selectLimit {
		var s radixSelect
		s.count(x)
		if s.nan {
			return scratch, true
		}
		s.seek(ranks)
		s.refine(x)
		for i, rank := range ranks {
			found[i] = s.at(rank)
		}
		return scratch, false
	}
	scratch = append(scratch[:0], x...)
	for _, v := range scratch {
		if v != v {
			return scratch, true
		}
	}
	first := 0 // values before it are at their place
	for i, rank := range ranks {
		if rank >= first {
			quickselect(scratch[first:], rank-first)
			first = rank + 1
		}
		found[i] = scratch[rank]
	}
	return scratch, false
}

// quickselect moves the value of rank k of x to x[k], no larger ones before it
// and no smaller ones behind it (Hoare 1961). The pivot is the median of three;
// if that keeps cutting off little, what is left is sorted.
func quickselect(x []float32, k int) {
	for rounds := 2 * bits.Len(uint(len(x))); len(x) > 16 && rounds > 0; rounds-- {
		a, b, c := x[0], x[len(x)/2], x[len(x)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(x)-1
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch { // x[:j+1] ≤ pivot, x[j+1:i] = pivot, x[i:] ≥ pivot
		case k <= j:
			x = x[:j+1]
		case k >= i:
			x, k = x[i:], k-i
		default:
			return
		}
	}
	slices.Sort(x)
}

// orderKey maps floats to integers of the same order.
func orderKey(x float32) uint32 {
	b := math.Float32bits(x)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// keyValue is the inverse of orderKey.
func keyValue(key uint32) float32 {
	if key>>31 == 0 {
		return math.Float32frombits(^key)
	}
	return math.Float32frombits(key ^ 1<<31)
}

// digits is the number of values of half an order key.
const digits = 1 << 16

// radixSelect finds order statistics of values that are too many to be kept. It
// sees them all twice, in parts of any size: count counts the upper halves of
// their keys, refine the lower halves of those in the buckets that hold a rank
// that is sought. Counts do not depend on how the work is shared out.
type radixSelect struct {
	centre *float32 // the statistics are those of the distances from it; nil: of the values

	n       int // values counted
	nan     bool
	upper   []int // (digits)
	slots   []uint8
	buckets []radixBucket
}

// radixBucket are the values that share the upper half of their keys.
type radixBucket struct {
	upper uint32
	below int   // values in lower buckets
	lower []int // (digits)
}

func (s *radixSelect) count(x []float32) {
	if s.upper == nil {
		s.upper = make([]int, digits)
	}
	task := newRadixTask(s, x, 1)
	kernels.Parallel(len(task.parts), task)
	for i := range task.parts {
		s.nan = s.nan || task.parts[i].nan
		addCounts(s.upper, task.parts[i].counts[0])
	}
	s.n += len(x)
}

// seek prepares refine for ranks in ascending order but for repetitions.
func (s *radixSelect) seek(ranks []int) {
	s.slots = make([]uint8, digits)
	below, i := 0, 0
	for digit, n := range s.upper {
		wanted := false
		for ; i < len(ranks) && ranks[i] < below+n; i++ {
			wanted = true
		}
		if wanted {
			s.buckets = append(s.buckets, radixBucket{uint32(digit), below, make([]int, digits)})
			s.slots[digit] = uint8(len(s.buckets))
		}
		below += n
	}
	s.upper = nil
}

func (s *radixSelect) refine(x []float32) {
	task := newRadixTask(s, x, len(s.buckets))
	kernels.Parallel(len(task.parts), task)
	for i := range task.parts {
		for j := range s.buckets {
			addCounts(s.buckets[j].lower, task.parts[i].counts[j])
		}
	}
}

// at is the value of a rank that was sought.
func (s *radixSelect) at(rank int) float32 {
	bucket := s.buckets[0]
	for _, b := range s.buckets[1:] {
		if rank >= b.below {
			bucket = b
		}
	}
	below := bucket.below
	for digit, n := range bucket.lower {
		if below += n; rank < below {
			return keyValue(bucket.upper<<16 | uint32(digit))
		}
	}
	return nan // what refine saw is not what count saw
}

func addCounts(sum, counts []int) {
	for i, n := range counts {
		sum[i] += n
	}
}

// radixTask is count or refine of a slice, shared out among the processors.
type radixTask struct {
	s     *radixSelect
	x     []float32
	parts []radixPart
}

type radixPart struct {
	counts [][]int
	nan    bool
}

func newRadixTask(s *radixSelect, x []float32, tables int) *radixTask {
	t := &radixTask{s: s, x: x, parts: make([]radixPart, max(1, min(runtime.GOMAXPROCS(0), len(x)/selectLimit)))}
	for i := range t.parts {
		for range tables {
			t.parts[i].counts = append(t.parts[i].counts, make([]int, digits))
		}
	}
	return t
}

// Run does part i.
func (t *radixTask) Run(i int) {
	part, n := &t.parts[i], len(t.parts)
	x := t.x[len(t.x)*i/n : len(t.x)*(i+1)/n]
	if t.s.centre == nil {
		t.s.tally(x, part)
		return
	}
	var distances [1024]float32
	for len(x) > 0 {
		m := min(len(x), len(distances))
		for j, v := range x[:m] {
			distances[j] = abs(v - *t.s.centre)
		}
		t.s.tally(distances[:m], part)
		x = x[m:]
	}
}

// tally counts upper halves before seek, lower halves after it.
func (s *radixSelect) tally(x []float32, part *radixPart) {
	if s.slots == nil {
		counts := (*[digits]int)(part.counts[0])
		for _, v := range x {
			if v != v {
				part.nan = true
			}
			counts[orderKey(v)>>16]++
		}
		return
	}
	slots := (*[digits]uint8)(s.slots)
	for _, v := range x {
		key := orderKey(v)
		if slot := slots[key>>16]; slot != 0 {
			part.counts[slot-1][key&(digits-1)]++
		}
	}
}
