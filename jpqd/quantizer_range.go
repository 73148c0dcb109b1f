package jpqd

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/kernels"
)

// observer collects statistics of the values that a quantizer would get, batch
// by batch, and gives their range per channel in the end.
type observer interface {
	// observe takes one batch of values (rows, cols).
	observe(x []float32, rows, cols int)
	// again ends a pass over the batches and says whether it must see the same
	// ones once more.
	again() bool
	// bounds is the range per channel.
	bounds() (low, high []float32)
}

// newObserver makes the observer of a range initialiser for a quantizer that is
// to see a number of batches. sequences gives the row offsets of the batch at
// hand, for statistics per sample.
func newObserver(r *RangeInit, q *quantizer, batches int, sequences func() []int) observer {
	channels := 1
	if q.weight != nil {
		channels = q.channels
	}
	s := &rangeObserver{
		channels: channels, symmetric: q.symmetric, sequences: sequences,
		sum: make([][2]float64, channels), extreme: make([][2]float64, channels),
	}
	for c := range s.extreme {
		s.extreme[c] = [2]float64{math.Inf(1), math.Inf(-1)}
	}
	switch r.Type {
	case "percentile", "mean_percentile", "threesigma":
		return newValueObserver(r, channels, batches)
	case "mean_min_max":
		s.mean = [2]bool{true, true}
	case "mixed_min_max":
		// Per-tensor activations: the mean over samples of each sample's extremes,
		// except the minimum of a symmetric one. Everything else: plain extremes.
		if q.weight == nil {
			s.perSample, s.mean = true, [2]bool{!q.symmetric, true}
		}
	}
	return s
}

// rangeObserver is min_max, mean_min_max and mixed_min_max.
type rangeObserver struct {
	channels  int
	symmetric bool // the maximum is that of magnitudes
	perSample bool
	mean      [2]bool // whether minimum and maximum are means over batches or samples
	sequences func() []int
	sum       [][2]float64
	extreme   [][2]float64
	n         int
}

func (o *rangeObserver) observe(x []float32, rows, cols int) {
	if o.perSample {
		for _, sample := range samples(x, rows, cols, o.sequences()) {
			o.add(0, sample)
			o.n++
		}
		return
	}
	each := len(x) / o.channels
	for c := range o.channels {
		o.add(c, x[c*each:(c+1)*each])
	}
	o.n++
}

// samples cuts an activation into those of each sequence: its rows; or its one
// row, behind the pooling; or its block of attention probabilities.
func samples(x []float32, rows, cols int, offsets []int) [][]float32 {
	n := len(offsets) - 1
	var parts [][]float32
	squares := 0
	for s := range n {
		l := offsets[s+1] - offsets[s]
		squares += l * l
	}
	switch {
	case n < 1:
	case rows == offsets[n]:
		for s := range n {
			parts = append(parts, x[offsets[s]*cols:offsets[s+1]*cols])
		}
	case rows == n:
		for s := range n {
			parts = append(parts, x[s*cols:(s+1)*cols])
		}
	case rows == 1 && cols%squares == 0:
		heads, at := cols/squares, 0
		for s := range n {
			l := offsets[s+1] - offsets[s]
			parts = append(parts, x[at:at+heads*l*l])
			at += heads * l * l
		}
	}
	if parts == nil {
		return [][]float32{x}
	}
	return parts
}

func (o *rangeObserver) add(c int, x []float32) {
	least, most := kernels.MinMax(x)
	low, high := float64(least), float64(most)
	if o.symmetric {
		high = math.Max(math.Abs(low), math.Abs(high))
	}
	o.sum[c][0] += low
	o.sum[c][1] += high
	o.extreme[c][0] = math.Min(o.extreme[c][0], low)
	o.extreme[c][1] = math.Max(o.extreme[c][1], high)
}

func (o *rangeObserver) again() bool { return false }

func (o *rangeObserver) bounds() (low, high []float32) {
	pick := func(c, side int) float32 {
		if o.mean[side] {
			return float32(o.sum[c][side] / float64(o.n))
		}
		return float32(o.extreme[c][side])
	}
	for c := range o.channels {
		low, high = append(low, pick(c, 0)), append(high, pick(c, 1))
	}
	return low, high
}

// observed ends the range initialisation of a quantizer: the range is that of
// its weight, times the mask where there is one, or of the activations that its
// observer has seen.
func (q *quantizer) observed(mask []float32) error {
	if w := q.weight; w != nil {
		values := w.Data
		if mask != nil {
			values = make([]float32, len(w.Data))
			kernels.Mul(mask, w.Data, values)
		}
		q.observer.observe(values, w.Rows, w.Cols)
	}
	low, high := q.observer.bounds()
	q.observer = nil
	return q.setRange(low, high)
}

// setRange gives a quantizer the range that was observed. Floors as in NNCF: a
// symmetric scale is at least 0.1; an asymmetric range at least 1 % of the
// largest one of the tensor, widened on both sides.
func (q *quantizer) setRange(low, high []float32) error {
	for c := range low {
		for _, v := range []float32{low[c], high[c]} {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("quantizer %s: range initialisation found %v in channel %d, want finite values", q.name, v, c)
			}
		}
	}
	if q.symmetric {
		if q.forced == nil {
			q.signed = slices.Min(low) < 0
		}
		for c := range low {
			scale := max(abs(low[c]), abs(high[c]))
			if !(scale > 0.1) {
				scale = 0.1
			}
			q.setMagnitude(q.scale, c, scale)
		}
		return nil
	}
	var widest float32
	for c := range low {
		widest = max(widest, high[c]-low[c])
	}
	for c := range low {
		span := high[c] - low[c]
		missing := max(0, 0.01*widest-span)
		q.inputLow.Data[c] = low[c] - missing/2
		q.setMagnitude(q.inputSpan, c, span+missing)
	}
	return nil
}
