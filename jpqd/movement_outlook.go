package jpqd

import "math"

// outlook foretells the sparsity that movement sparsity would have if warm-up
// ended now, at any threshold, without touching a mask. It works on scores, not
// on elements: BERT-base has 576 of them for an attention weight in blocks.
//
// Every head or neuron has a limit, the least threshold that removes it: the
// highest of the scores whose death it takes, or infinity if the clamp at a
// tensor's quantile keeps one of them alive whatever the threshold.
type outlook struct {
	groups  []*structuredGroup
	limits  [][]float32 // by group and unit
	members []outlookMember
	loose   []looseOperand
}

// outlookMember is a sparsified Linear that loses rows, columns or both.
type outlookMember struct {
	*sparsifier
	rows, columns int // index of the group; −1 for none
}

// looseOperand is a weight or bias that is in no group, whose mask stays as it is.
type looseOperand struct {
	*maskedOperand
	clamp float32
}

func newOutlook(sparsifiers []*sparsifier, groups []*structuredGroup) *outlook {
	l := &outlook{groups: groups, limits: make([][]float32, len(groups))}
	for i, g := range groups {
		l.limits[i] = make([]float32, g.units)
	}
	for _, p := range sparsifiers {
		m := outlookMember{p, -1, -1}
		for i, g := range groups {
			for _, member := range g.members {
				switch {
				case member.sparsifier != p:
				case member.columns:
					m.columns = i
				default:
					m.rows = i
				}
			}
		}
		if m.rows >= 0 || m.columns >= 0 {
			l.members = append(l.members, m)
		} else {
			l.loose = append(l.loose, looseOperand{maskedOperand: &p.weight}, looseOperand{maskedOperand: &p.bias})
		}
	}
	return l
}

// look takes the scores as they are now.
func (l *outlook) look() {
	for i, g := range l.groups {
		fill(l.limits[i], float32(math.Inf(-1)))
		for j := range g.members {
			g.members[j].raiseLimits(l.limits[i], g.size)
		}
	}
	for i := range l.loose {
		l.loose[i].clamp = l.loose[i].quantile(keepQuantile)
	}
}

// raiseLimits raises the limits of units to those of the member's scores. What
// counts is what [groupMember.alive] counts: for rows, biases as long as any
// of the weight lives.
func (m *groupMember) raiseLimits(limits []float32, size int) {
	o := &m.weight
	clamp, highest := o.quantile(keepQuantile), float32(math.Inf(-1))
	for i := range o.scores.Rows {
		for j, s := range o.scores.Row(i) {
			limit := scoreLimit(s, clamp)
			highest = max(highest, limit)
			at, factor := i, o.factors[0]
			if m.columns {
				at, factor = j, o.factors[1]
			}
			raise(limits, at*factor/size, ((at+1)*factor-1)/size, limit)
		}
	}
	if m.columns {
		return
	}
	b := &m.bias
	clamp = b.quantile(keepQuantile)
	for i, s := range b.scores.Data {
		raise(limits, i*b.factors[0]/size, ((i+1)*b.factors[0]-1)/size, min(scoreLimit(s, clamp), highest))
	}
}

// raise raises the limits first to last.
func raise(limits []float32, first, last int, limit float32) {
	for u := first; u <= last; u++ {
		limits[u] = max(limits[u], limit)
	}
}

// scoreLimit is the least threshold that masks a score: itself, or none if it
// is above the clamp.
func scoreLimit(score, clamp float32) float32 {
	if score > clamp {
		return float32(math.Inf(1))
	}
	return score
}

// sparsity is linear_layer_sparsity after resolution, apart from parameters that
// are zero by themselves, with one threshold for the matrices of heads and one
// for all others. It rises with both. No Linear has both heads and neurons.
func (l *outlook) sparsity(heads, others float32) float64 {
	kept := func(group int) int {
		threshold := others
		if l.groups[group].size > 1 {
			threshold = heads
		}
		n := 0
		for _, limit := range l.limits[group] {
			if limit > threshold {
				n++
			}
		}
		return n * l.groups[group].size
	}
	live, total := 0, 0
	for _, m := range l.members {
		rows, cols := m.weight.rows, m.weight.cols
		total += rows*cols + rows
		if m.rows >= 0 {
			rows = kept(m.rows)
		}
		if m.columns >= 0 {
			cols = kept(m.columns)
		}
		live += rows * cols
		if cols > 0 {
			live += rows
		}
	}
	for i := range l.loose {
		o := &l.loose[i]
		total += o.rows * o.cols
		t := min(others, o.clamp)
		for _, s := range o.scores.Data {
			if s > t {
				live += o.area()
			}
		}
	}
	return 1 - float64(live)/float64(total)
}

// thresholds returns those whose sparsity is nearest to the target: one for
// all, and one head, neuron or score less or more is the next sparsity that
// there is. If a head is so large that this is further from the target than
// tolerance, the heads keep to one of the thresholds on both sides of the
// target and the others make up for the difference.
func (l *outlook) thresholds(target, tolerance float64) (heads, others float32) {
	both := func(t float32) float64 { return l.sparsity(t, t) }
	below, above := bracket(target, both)
	best := nearer(target, below, above, both)
	heads, others = best, best
	distance := math.Abs(both(best) - target)
	if distance <= tolerance {
		return heads, others
	}
	for _, h := range []float32{below, above} {
		of := func(t float32) float64 { return l.sparsity(h, t) }
		low, high := bracket(target, of)
		t := nearer(target, low, high, of)
		d := math.Abs(of(t) - target)
		closer := d < distance
		if d <= tolerance && distance <= tolerance { // both will do: the one that stays nearer to one for all
			closer = abs(t-best) < abs(others-best)
		}
		if closer {
			heads, others, distance = h, t, d
		}
	}
	return heads, others
}

// remask makes the masks of two thresholds, as sparsity has them.
func (l *outlook) remask(heads, others float32) {
	for _, m := range l.members {
		t := others
		for _, g := range []int{m.rows, m.columns} {
			if g >= 0 && l.groups[g].size > 1 {
				t = heads
			}
		}
		m.weight.remask(float64(t))
		m.bias.remask(float64(t))
	}
	for _, o := range l.loose {
		o.remask(float64(others))
	}
}

// bracket returns two neighbours among all numbers: the lowest threshold with
// which a rising sparsity reaches the target, or its highest value, and the one
// before it.
func bracket(target float64, sparsity func(float32) float64) (below, reached float32) {
	target = min(target, sparsity(math.MaxFloat32))
	low, high := orderKey(-math.MaxFloat32), orderKey(math.MaxFloat32)
	for low < high {
		middle := low + (high-low)/2
		if sparsity(keyValue(middle)) >= target {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return keyValue(high - 1), keyValue(high)
}

// nearer is the one of two thresholds whose sparsity is nearer to the target,
// the lower one if both are equally near.
func nearer(target float64, below, above float32, sparsity func(float32) float64) float32 {
	if math.Abs(target-sparsity(below)) <= math.Abs(sparsity(above)-target) {
		return below
	}
	return above
}
