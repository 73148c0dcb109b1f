package jpqd

import "math"

var nan = float32(math.NaN())

// valueObserver is percentile, mean_percentile and threesigma, whose statistics
// are order statistics of the values themselves. Where one batch decides, they
// are found in that batch; those of several batches are found by counting in
// two passes over the batches (four for threesigma), as the values of all
// quantizers of a large model would not fit into memory.
type valueObserver struct {
	rangeInit *RangeInit
	batches   int // that will be seen
	observed  int // of this pass
	low, high []float64
	scratch   []float32

	counts   *radixSelect // of several batches; per tensor
	refining bool
	centre   *float32 // threesigma: the median, once it is known
}

func newValueObserver(r *RangeInit, channels, batches int) *valueObserver {
	return &valueObserver{rangeInit: r, batches: batches, low: make([]float64, channels), high: make([]float64, channels)}
}

// atOnce tells whether a batch's own statistics are what is wanted.
func (o *valueObserver) atOnce() bool {
	return o.rangeInit.Type == "mean_percentile" || o.batches == 1
}

func (o *valueObserver) observe(x []float32, _, _ int) {
	o.observed++
	switch {
	case o.atOnce():
		each := len(x) / len(o.low)
		for c := range o.low {
			low, high := o.statistics(x[c*each : (c+1)*each])
			o.low[c] += float64(low)
			o.high[c] += float64(high)
		}
	case o.refining:
		o.counts.refine(x)
	default:
		if o.counts == nil {
			o.counts = &radixSelect{centre: o.centre}
		}
		o.counts.count(x)
	}
}

// again also notices that a quantizer has seen two tensors of its one batch,
// and begins anew with both.
func (o *valueObserver) again() bool {
	observed := o.observed
	switch {
	case o.rangeInit.Type == "mean_percentile":
		return false
	case o.batches == 1 && observed == 1:
		return false
	case observed == 0:
		o.finish(nan, nan)
		return false
	}
	o.observed = 0
	if o.batches == 1 {
		o.batches = observed
		o.finish(0, 0)
		return true
	}
	s := o.counts
	switch {
	case s.nan:
		o.finish(nan, nan)
		return false
	case !o.refining:
		ranks, _ := o.sought(s.n)
		s.seek(ranks[:])
		o.refining = true
		return true
	}
	ranks, weights := o.sought(s.n)
	var values [4]float32
	for i, rank := range ranks {
		values[i] = s.at(rank)
	}
	low, high := o.interpolate(values, weights)
	o.counts, o.refining = nil, false
	switch {
	case o.rangeInit.Type == "percentile":
		o.finish(low, high)
		return false
	case o.centre == nil:
		o.centre = &low
		return true
	}
	o.finish(threeSigma(*o.centre, low))
	return false
}

// finish sets the statistics of a tensor.
func (o *valueObserver) finish(low, high float32) {
	o.low[0], o.high[0] = float64(low), float64(high)
}

func (o *valueObserver) bounds() (low, high []float32) {
	n := 1.0
	if o.rangeInit.Type == "mean_percentile" {
		n = float64(o.observed)
	}
	for c := range o.low {
		low, high = append(low, float32(o.low[c]/n)), append(high, float32(o.high[c]/n))
	}
	return low, high
}

// statistics are those of all values at hand; NaN where a value is.
func (o *valueObserver) statistics(x []float32) (low, high float32) {
	low, high = o.find(x)
	if o.rangeInit.Type != "threesigma" || low != low {
		return low, high
	}
	median := low
	distances := make([]float32, len(x))
	for i, v := range x {
		distances[i] = abs(v - median)
	}
	deviation, _ := o.find(distances)
	return threeSigma(median, deviation)
}

// threeSigma is median ± 3·1.4826230·MAD with MAD the median of |x − median|.
func threeSigma(median, deviation float32) (low, high float32) {
	d := 3 * 1.4826230 * deviation
	return median - d, median + d
}

// find gives the two values sought among x.
func (o *valueObserver) find(x []float32) (low, high float32) {
	if len(x) == 0 {
		return nan, nan
	}
	ranks, weights := o.sought(len(x))
	var values [4]float32
	var unordered bool
	if o.scratch, unordered = orderStatistics(x, ranks[:], values[:], o.scratch); unordered {
		return nan, nan
	}
	return o.interpolate(values, weights)
}

// interpolate gives the values at the two positions that are sought.
func (o *valueObserver) interpolate(values [4]float32, weights [2]float32) (low, high float32) {
	between := lerp
	if o.rangeInit.Type == "threesigma" {
		between = middle
	}
	return between(values[0], values[1], weights[0]), between(values[2], values[3], weights[1])
}

// middle is a, or the mean of a and b where the weight of b is not zero.
func middle(a, b, weight float32) float32 {
	if weight == 0 {
		return a
	}
	return (a + b) / 2
}

// sought are the ranks next to the two positions p/100·(n−1) of the percentiles,
// and how far the positions lie from the lower of them. threesigma seeks the
// median alone; that of an even number of values is the mean of the two in the
// middle, as the position (n−1)/2 has it.
func (o *valueObserver) sought(n int) (ranks [4]int, weights [2]float32) {
	lowest, highest := o.rangeInit.MinPercentile, o.rangeInit.MaxPercentile
	if o.rangeInit.Type == "threesigma" {
		lowest, highest = 50, 50
	}
	for i, p := range []float64{lowest, highest} {
		position := p / 100 * float64(n-1)
		below := int(position)
		ranks[2*i], ranks[2*i+1] = below, min(below+1, n-1)
		weights[i] = float32(position - float64(below))
	}
	return ranks, weights
}
