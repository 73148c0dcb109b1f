package ir

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// attention recognises the attention whose heads, side by side, are the value
// that context leads to, sets what it holds in l, and gives the layer's input.
func (r *recogniser) attention(l *jpqd.CompressedLayer, context way) (x source, err error) {
	a := &attended{recogniser: r, layer: l}
	if order, err := r.order(context, 4); err != nil {
		return x, err
	} else if !slices.Equal(order, []int{0, 2, 1, 3}) {
		return x, fmt.Errorf("%s: found the heads in the order %v behind it, want 0, 2, 1, 3", context.base.describe(), order)
	}
	s := context.base
	if !slices.ContainsFunc(context.layers, func(l *layer) bool { return l.is("Reshape") }) {
		return x, wanted(s, "a Reshape that puts its heads side by side")
	}
	switch {
	case s.is("ScaledDotProductAttention"):
		err = a.fused(s)
	case s.is("MatMul"):
		err = a.spelledOut(s)
	default:
		err = wanted(s, "the product of attention probabilities and values, or ScaledDotProductAttention")
	}
	if err != nil {
		return x, err
	}
	return a.x, a.scaleQuery()
}

// scaleRows moves the factors of the output's input, the heads side by side, into
// the rows of the value's projection, which a quantizer of the values forbids.
func scaleRows(l *jpqd.CompressedLayer, context way) error {
	v, factors := &l.Value, l.Output.Smooth
	if factors == nil {
		return nil
	}
	if l.ValueOut != nil {
		return fmt.Errorf("%s: found a multiplication of its columns behind it, want no quantizer of the values", context.base.describe())
	}
	l.Output.Smooth = nil
	for i, f := range factors {
		v.Bias[i] *= f
		if v.Weight.I8 != nil {
			v.Weight.Scale[i] *= f
			continue
		}
		row := v.Weight.F32[i*v.Weight.Cols:][:v.Weight.Cols]
		for j := range row {
			row[j] *= f
		}
	}
	return nil
}

// attended is an attention that is being recognised.
type attended struct {
	*recogniser
	layer *jpqd.CompressedLayer
	x     source // the input of query, key and value

	// What the graph multiplies the query by before its last quantizer, and the
	// scores by: anything after that quantizer counts as the latter.
	before, after float64
	queries       []*jpqd.ActivationRange // of the query, from the product back
	scores        []scaledRange           // of the scores, from the softmax back
}

// scaledRange is a range of scores that are multiplied by factor behind it.
type scaledRange struct {
	*jpqd.ActivationRange
	factor float64
}

// spelledOut is MatMul(softmax(scores + mask), value).
func (a *attended) spelledOut(s source) (err error) {
	l := a.layer
	if err := noTurns(s, false); err != nil {
		return err
	}
	probabilities := a.back(s.inputs[0], false)
	if l.ProbsOut, err = a.oneRange(probabilities); err != nil {
		return err
	}
	if err := a.unturned(probabilities); err != nil {
		return err
	}
	softmax := probabilities.base
	if !softmax.is("SoftMax") {
		return wanted(softmax, "SoftMax")
	}
	if axis, err := (&call{layer: softmax.layer}).integer("axis", 1); err != nil || axis != -1 && axis != 3 {
		return fmt.Errorf("%s: axis: found %q, want the last of four", softmax.describe(), softmax.attributes.get("axis"))
	}
	scores, err := a.masked(softmax.inputs[0])
	if err != nil {
		return err
	}
	if err := a.unturned(scores); err != nil {
		return err
	}
	a.before, a.after = 1, 1
	for _, layer := range scores.layers {
		if layer.is("FakeQuantize") {
			q, err := a.activation(layer)
			if err != nil {
				return err
			}
			a.scores = append(a.scores, scaledRange{q, a.after})
		} else if layer.is("Multiply") || layer.is("Divide") {
			a.after *= a.factor(layer)
		}
	}
	product := scores.base
	transposed, err := (&call{layer: product.layer}).boolean("transpose_b", false)
	if err != nil {
		return fmt.Errorf("%s: %w", product.describe(), err)
	}
	if err := noTurns(product, transposed); err != nil {
		return err
	}
	return a.operands(product.inputs[0], product.inputs[1], s.inputs[1], transposed)
}

// unturned wants four dimensions in the order that the product gives them.
func (a *attended) unturned(w way) error {
	if order, err := a.order(w, 4); err != nil {
		return err
	} else if !slices.Equal(order, []int{0, 1, 2, 3}) {
		return fmt.Errorf("%s: found the order %v behind it, want 0, 1, 2, 3", w.base.describe(), order)
	}
	return nil
}

// masked recognises scores with a mask, which is added to them or chooses between
// them and a large negative number, and gives the way to the scores.
func (a *attended) masked(s source) (way, error) {
	const what = "scores with a mask, added or by Select"
	if s.is("Select") {
		for i, hidden := range []source{s.inputs[1], s.inputs[2]} {
			scores := a.back(s.inputs[2-i], true)
			v := a.small(throughBroadcast(hidden), 1)
			if v == nil || len(v.F32) != 1 || v.F32[0] > far || !scores.base.is("MatMul") {
				continue
			}
			return scores, a.mask(s.inputs[0], i == 1)
		}
		return way{}, wanted(s, what)
	}
	left, right, ok := summands(s)
	if !ok {
		return way{}, wanted(s, what)
	}
	scores, mask := a.back(left, true), right
	if !scores.base.is("MatMul") {
		scores, mask = a.back(right, true), left
	}
	if !scores.base.is("MatMul") {
		return way{}, wanted(s, what)
	}
	return scores, a.mask(mask, true)
}

// throughBroadcast is what a mask is before it gets the shape of the scores.
func throughBroadcast(s source) source {
	for s.is("Broadcast") || s.is("Reshape") || s.is("Unsqueeze") {
		s = s.inputs[0]
	}
	return s
}

// noTurns wants a product that transposes as told.
func noTurns(s source, b bool) error {
	c := &call{layer: s.layer}
	for name, want := range map[string]bool{"transpose_a": false, "transpose_b": b} {
		if turned, err := c.boolean(name, false); err != nil || turned != want {
			return fmt.Errorf("%s: %s: found %q, want %v", s.describe(), name, s.attributes.get(name), want)
		}
	}
	return nil
}

// fused is ScaledDotProductAttention(q, k, v, mask, scale).
func (a *attended) fused(s source) error {
	if len(s.inputs) < 4 {
		return wanted(s, "a mask")
	}
	if causal, err := (&call{layer: s.layer}).boolean("causal", false); err != nil || causal {
		return fmt.Errorf("%s: causal: found %q, want false", s.describe(), s.attributes.get("causal"))
	}
	if err := a.mask(s.inputs[3], true); err != nil {
		return err
	}
	a.before, a.after = 1, 1
	if err := a.operands(s.inputs[0], s.inputs[1], s.inputs[2], true); err != nil {
		return err
	}
	if len(s.inputs) < 5 {
		a.after /= math.Sqrt(float64(a.headDim))
		return nil
	}
	scale, ok := a.scalar(s.inputs[4])
	if !ok {
		return fmt.Errorf("%s: found a scale that is no constant", s.describe())
	}
	a.after *= scale
	return nil
}

// operands recognises the projections. The key comes as (…, tokens, head_dim)
// where it is transposed by its product, else as (…, head_dim, tokens).
func (a *attended) operands(query, key, value source, keyTransposed bool) error {
	l := a.layer
	keyOrder := []int{0, 2, 1, 3}
	if !keyTransposed {
		keyOrder = []int{0, 2, 3, 1}
	}
	q, k, v := a.back(query, true), a.back(key, true), a.back(value, false)
	heads := 0
	for _, p := range []struct {
		way
		linear *jpqd.CompressedLinear
		order  []int
	}{{q, &l.Query, []int{0, 2, 1, 3}}, {k, &l.Key, keyOrder}, {v, &l.Value, []int{0, 2, 1, 3}}} {
		found, x, err := a.linear(p.base)
		if err != nil {
			return err
		}
		*p.linear = *found
		n, err := a.heads(p.way, found.Weight.Rows)
		if err != nil {
			return err
		}
		if heads != 0 && n != heads {
			return fmt.Errorf("%s: found %d heads, want %d as in the query", p.base.describe(), n, heads)
		}
		heads = n
		order, err := a.order(p.way, 4)
		if err != nil {
			return err
		}
		if !slices.Equal(order, p.order) {
			return fmt.Errorf("%s: found its heads in the order %v, want %v", p.base.describe(), order, p.order)
		}
		if a.x.layer != nil && a.x != x.base {
			return fmt.Errorf("%s: projects %s, want the input of the query", p.base.describe(), x.base.describe())
		}
		a.x = x.base
	}
	l.Heads = countUp(heads)

	var err error
	if l.ValueOut, err = a.oneRange(v); err != nil {
		return err
	}
	if l.KeyOut, err = a.oneRange(k); err != nil {
		return err
	}
	for _, layer := range k.layers {
		if layer.is("Multiply") || layer.is("Divide") {
			if err := a.scaleKey(layer, k); err != nil {
				return err
			}
		}
	}
	for _, layer := range q.layers {
		switch {
		case layer.is("FakeQuantize"):
			r, err := a.activation(layer)
			if err != nil {
				return err
			}
			a.queries = append(a.queries, r)
		case layer.is("Multiply") || layer.is("Divide"):
			if len(a.queries) == 0 {
				a.after *= a.factor(layer)
			} else {
				a.before *= a.factor(layer)
			}
		}
	}
	return nil
}

// scaleKey moves a multiplication of the key to the scores, or into the key's
// projection where a quantizer follows.
func (a *attended) scaleKey(factor *layer, k way) error {
	f := a.factor(factor)
	at := slices.Index(k.layers, factor)
	if slices.ContainsFunc(k.layers[:at], func(l *layer) bool { return l.is("FakeQuantize") }) {
		if slices.ContainsFunc(k.layers[at:], func(l *layer) bool { return l.is("FakeQuantize") }) {
			return fmt.Errorf("%q: found a quantizer on both sides, want one", factor.name)
		}
		a.layer.Key = *a.layer.Key.Scaled(float32(f))
		return nil
	}
	a.after *= f
	return nil
}

// scaleQuery brings what the graph multiplies into the form that Compressed has:
// one division by √head_dim, of the scores or, where Config.ScalesQuery(), of
// the query. All else goes into the query's projection and the ranges behind it.
func (a *attended) scaleQuery() error {
	l, root := a.layer, math.Sqrt(float64(a.headDim))
	if a.config.ScalesQuery() {
		return a.scaleQueryFirst(root)
	}
	if len(a.queries) > 1 {
		return fmt.Errorf("%s: found %d quantizers between the query and the scores, want one", a.x.describe(), len(a.queries))
	}
	// scores = after·(before·q)·k, to be (x·q)·k/√d with x = before·after·√d.
	inner := a.before * a.after * root
	l.Query = *scaleBy(&l.Query, inner)
	if len(a.queries) == 1 {
		l.QueryOut = a.queries[0].Scaled(exact(a.after * root))
	}
	return a.scoreRanges(root)
}

// scoreRanges sets the quantizers of the scores: the one nearest to the softmax
// is of the scaled scores, one before it of those not scaled yet.
func (a *attended) scoreRanges(root float64) error {
	l := a.layer
	switch len(a.scores) {
	case 0:
	case 1, 2:
		for i, s := range a.scores {
			if i == 0 && (len(a.scores) == 2 || s.factor == 1) {
				l.ScoresIn = s.ActivationRange.Scaled(exact(s.factor))
			} else {
				l.ScaleIn = s.ActivationRange.Scaled(exact(s.factor * root))
			}
		}
	default:
		return fmt.Errorf("%s: found %d quantizers of the scores, want at most two", a.x.describe(), len(a.scores))
	}
	return nil
}

// scaleQueryFirst is for models that divide the query: scores =
// QueryOut(ScaleIn(q)/√d)·k.
func (a *attended) scaleQueryFirst(root float64) error {
	l := a.layer
	if len(a.queries) > 2 {
		return fmt.Errorf("%s: found %d quantizers of the query, want at most two", a.x.describe(), len(a.queries))
	}
	if len(a.scores) > 1 {
		return fmt.Errorf("%s: found %d quantizers of the scores, want at most one", a.x.describe(), len(a.scores))
	}
	l.Query = *scaleBy(&l.Query, a.before*a.after*root)
	for i, q := range a.queries {
		if i == 0 {
			l.QueryOut = q.Scaled(exact(a.after))
		} else {
			l.ScaleIn = q.Scaled(exact(a.before * a.after * root))
		}
	}
	if len(a.scores) == 1 {
		l.ScoresIn = a.scores[0].ActivationRange.Scaled(exact(a.scores[0].factor))
	}
	return nil
}

// exact is f, or 1 where f is 1 but for rounding.
func exact(f float64) float32 {
	if math.Abs(f-1) < 1e-6 {
		return 1
	}
	return float32(f)
}

// scaleBy is l with its output multiplied by f.
func scaleBy(l *jpqd.CompressedLinear, f float64) *jpqd.CompressedLinear {
	if exact(f) == 1 {
		return l
	}
	return l.Scaled(float32(f))
}

// heads is how many heads a projection of width rows is split into, as its
// Reshape tells. A number that the graph takes from the sizes of a tensor follows
// from the other.
func (a *attended) heads(w way, width int) (int, error) {
	for _, l := range w.layers {
		if !l.is("Reshape") {
			continue
		}
		pattern := a.partial(l.inputs[1], 0)
		if len(pattern) < 3 {
			continue
		}
		n, dim := pattern[len(pattern)-2], pattern[len(pattern)-1]
		if dim <= 0 && n > 0 && width%n == 0 {
			dim = width / n
		}
		if dim <= 0 || width%dim != 0 || a.headDim != 0 && dim != a.headDim {
			return 0, fmt.Errorf("%s: found a split of %d columns into %v, want heads of %d", l.describe(), width, pattern, a.headDim)
		}
		a.headDim = dim
		return width / dim, nil
	}
	return 0, wanted(w.base, "a Reshape into heads behind it")
}

// partial is what is known of a list of integers, as long as a shape may be,
// without running the model; −1 stands for what is not. nil: nothing, not even
// the length.
func (r *recogniser) partial(s source, depth int) []int {
	known, ok := r.sizes[s]
	if !ok {
		if known = r.findPartial(s, depth); len(known) > maxRank {
			known = nil
		}
		r.sizes[s] = known
	}
	return known
}

func (r *recogniser) findPartial(s source, depth int) []int {
	switch {
	case depth > 20:
		return nil
	case r.has(s):
		t := r.small(s, maxRank)
		if t == nil || t.Type.isFloat() {
			return nil
		}
		list := make([]int, len(t.I64))
		for i, v := range t.I64 {
			list[i] = int(max(-1, min(v, 1<<31)))
		}
		return list
	case s.is("Convert"), s.is("Unsqueeze"), s.is("Squeeze"), s.is("Reshape"):
		return r.partial(s.inputs[0], depth+1)
	case s.is("Gather"):
		if index := r.small(s.inputs[1], maxRank); index != nil {
			return slices.Repeat([]int{-1}, index.Len())
		}
	case s.is("Concat"):
		var list []int
		for _, in := range s.inputs {
			part := r.partial(in, depth+1)
			if part == nil {
				part = []int{-1} // a Concat for a shape is made of single numbers
			}
			list = append(list, part...)
		}
		return list
	}
	return nil
}

// far is below the scores that are seen: e⁻¹⁰⁰ is nothing beside any other term.
const far = -100

// maskUse is a mask and what it is used for.
type maskUse struct {
	source
	trueIsSeen bool
}

// mask wants a mask that hides the tokens of which attention_mask is 0, and
// nothing else. One of booleans is true for what is seen, or for what is hidden.
func (r *recogniser) mask(s source, trueIsSeen bool) error {
	for r.products[s.layer] && (s.is("Broadcast") || s.is("Reshape") || s.is("Unsqueeze")) {
		s = s.inputs[0] // its shape is that of the scores
	}
	use := maskUse{s, trueIsSeen}
	if r.checked[use] {
		return nil
	}
	for _, hidden := range []int{r.tokens - 1, r.tokens / 2} {
		tokens := r.seen(hidden)
		t, err := r.evaluate(s, r.sample(tokens), r.most)
		if err != nil {
			return fmt.Errorf("mask of the attention: %w", err)
		}
		if t.Len() == 0 || rowLength(t.Shape) != len(tokens) {
			return fmt.Errorf("%s: found a mask of shape %v for %d tokens", s.describe(), t.Shape, r.tokens)
		}
		for i := range t.Len() {
			seen := tokens[i%r.tokens] != 0
			var ok bool
			if t.Type.isFloat() {
				ok = seen && t.F32[i] == 0 || !seen && t.F32[i] <= far
			} else {
				ok = (seen == trueIsSeen) == (t.I64[i] != 0)
			}
			if !ok {
				return wanted(s, "a mask that hides the tokens of which attention_mask is 0 and no others")
			}
		}
	}
	r.checked[use] = true
	return nil
}
