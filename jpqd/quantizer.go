package jpqd

import (
	"math"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/kernels"
)

// quantizer is a trained 8-bit fake quantizer: per tensor for activations, per
// row for weights. With low, range and levels n
//
//	s = (n−1)/range;  zp = round(−low·s)
//	y = round((clamp(x, low, low+range)−low)·s − zp)/s
//
// rounding half to even. A symmetric one trains scale, from which low and range
// follow; an asymmetric one trains input_low and input_range.
type quantizer struct {
	name      string          // prefix of its entries in a checkpoint
	node      string          // NNCF's name of the node it belongs to
	weight    *autograd.Param // the weight or table it quantizes; nil for activations
	symmetric bool
	signed    bool  // symmetric only; unsigned has low = 0
	forced    *bool // signedness given by the configuration
	halfRange bool  // weights: 7 bits in 8, NNCF's overflow fix
	narrow    bool  // symmetric weights without the overflow fix: −127…127
	logarithm bool  // the logarithm of scale or input_range is trained
	channels  int   // rows of a weight, or 1
	off       bool  // staged quantization: its epoch has not begun, x stays as it is

	scale     *autograd.Param // symmetric: (channels, 1)
	inputLow  *autograd.Param // asymmetric
	inputSpan *autograd.Param // asymmetric

	low, high, span []float32 // (channels) in effect, of the current values of the parameters; span = high − low

	observer  observer // set during range initialisation
	observing bool     // whether the observer takes the batch at hand

	// What it was applied to in a step: more than one tensor only where
	// unified_scale_ops has one quantizer for several.
	tape         *autograd.Tape
	step         uint64
	applied      []*application
	applications int // of the step; the others are to be used again
}

// application is a quantizer's work on one tensor in a step, for the backward half.
type application struct {
	q                 *quantizer
	in, out           *autograd.Tensor
	ids               []int32   // rows of a table that in holds; nil: all rows in order
	rowLow, rowSpan   []float32 // low and span of in's rows, with ids
	gradLow, gradSpan []float32 // gradients of the same
}

// tiny keeps ranges away from zero, as NNCF does.
const tiny = 1e-16

// integerLevels are the lowest and highest integer and their number.
func (q *quantizer) integerLevels() (low, high float64, levels int) {
	switch {
	case !q.symmetric && q.halfRange:
		return 0, 127, 128
	case !q.symmetric:
		return 0, 255, 256
	case q.halfRange:
		return -64, 63, 128
	case q.narrow && q.signed:
		return -127, 127, 255
	case q.narrow:
		return 0, 254, 255
	case q.signed:
		return -128, 127, 256
	}
	return 0, 255, 256
}

// init makes the trained parameters with NNCF's start values: scale 1 and
// unsigned, or low 0 and range 1.
func (q *quantizer) init() {
	shape := []int{1}
	if q.weight != nil && q.channels > 1 {
		shape = []int{q.channels, 1}
	}
	if q.forced != nil {
		q.signed = *q.forced
	}
	magnitude := autograd.NewParam(q.linearName(), shape...)
	if q.logarithm {
		magnitude.Name = q.name + "._" + q.magnitudeName() + "_param_storage"
	}
	for i := range magnitude.Data {
		q.setMagnitude(magnitude, i, 1)
	}
	if q.symmetric {
		q.scale = magnitude
	} else {
		q.inputLow, q.inputSpan = autograd.NewParam(q.name+".input_low", shape...), magnitude
	}
	q.low, q.high, q.span = make([]float32, q.channels), make([]float32, q.channels), make([]float32, q.channels)
}

// params lists the trained parameters.
func (q *quantizer) params() []*autograd.Param {
	if q.symmetric {
		return []*autograd.Param{q.scale}
	}
	return []*autograd.Param{q.inputLow, q.inputSpan}
}

// magnitudeName is NNCF's name of the trained scale or range.
func (q *quantizer) magnitudeName() string {
	if q.symmetric {
		return "scale"
	}
	return "input_range"
}

// magnitudeParam is the parameter that the scale or range follows from.
func (q *quantizer) magnitudeParam() *autograd.Param {
	if q.symmetric {
		return q.scale
	}
	return q.inputSpan
}

// linearName is the entry of a checkpoint that holds the scale or range itself,
// whether or not its logarithm is what is trained.
func (q *quantizer) linearName() string { return q.name + "." + q.magnitudeName() }

// magnitude is channel i's scale or range: |p| + 1e-16, or e^p.
func (q *quantizer) magnitude(p *autograd.Param, i int) float32 {
	if q.logarithm {
		return float32(math.Exp(float64(p.Data[i])))
	}
	return abs(p.Data[i]) + tiny
}

// setMagnitude is the inverse of magnitude. A range of zero, as constant values
// have it, keeps NNCF's 1e-16 in its logarithm too, which is not a number there.
func (q *quantizer) setMagnitude(p *autograd.Param, i int, value float32) {
	if q.logarithm {
		value = float32(math.Log(float64(max(abs(value), tiny))))
	}
	p.Data[i] = value
}

// update computes low, high and span from the parameters.
func (q *quantizer) update() {
	levelLow, levelHigh, levels := q.integerLevels()
	for i := range q.low {
		if q.symmetric {
			q.high[i] = q.magnitude(q.scale, i)
			q.low[i] = q.high[i] * float32(levelLow/levelHigh)
		} else {
			q.low[i], q.high[i] = tuneRange(q.inputLow.Data[i], q.magnitude(q.inputSpan, i), levels)
		}
		q.span[i] = q.high[i] - q.low[i]
	}
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

// tuneRange moves one end of [low, low+span] outwards so that zero lies on the
// grid of the given number of levels, choosing the wider result.
func tuneRange(low, span float32, levels int) (tunedLow, tunedHigh float32) {
	high := low + span
	low, high = min(low, 0), max(high, 0)
	n := float32(levels - 1)
	zp := float32(math.RoundToEven(float64(-low * n / (high - low))))
	lowA, highB := low, high
	if zp < n {
		lowA = zp / (zp - n) * high
	}
	if zp > 0 {
		highB = (zp - n) / zp * low
	}
	if high-lowA > highB-low {
		return lowA, high
	}
	return low, highB
}

// lowRatio is level_low/level_high, the derivative of a value below the range
// with respect to the range.
func (q *quantizer) lowRatio() float32 {
	low, high, _ := q.integerLevels()
	if !q.symmetric {
		return 0
	}
	return float32(low / high)
}

// application finds what the quantizer did to x in this step, or makes room for
// it. A quantizer above a branching of the graph is applied by every consumer of
// the tensor: the second one gets the result of the first, and its gradients
// add up there.
func (q *quantizer) application(t *autograd.Tape, x *autograd.Tensor) (a *application, again bool) {
	if q.tape != t || q.step != t.Begun() {
		q.tape, q.step, q.applications = t, t.Begun(), 0
	}
	for _, a := range q.applied[:q.applications] {
		if a.in == x {
			return a, true
		}
	}
	if q.applications == len(q.applied) {
		q.applied = append(q.applied, &application{q: q})
	}
	a = q.applied[q.applications]
	q.applications++
	a.in, a.out = x, x
	return a, false
}

// apply returns the fake-quantized x. With ids, x holds those rows of the table
// that the quantizer belongs to.
//
//	x (rows, cols) → (rows, cols)
func (q *quantizer) apply(t *autograd.Tape, x *autograd.Tensor, ids []int32) *autograd.Tensor {
	a, again := q.application(t, x)
	if again {
		return a.out
	}
	if q.observing {
		q.observer.observe(x.Data, x.Rows, x.Cols)
	}
	if q.observer != nil || q.off {
		return x
	}
	q.update()
	a.ids, a.rowLow, a.rowSpan = ids, q.low, q.span
	if ids != nil {
		a.rowLow, a.rowSpan = t.Floats(len(ids)), t.Floats(len(ids))
		for i, id := range ids {
			a.rowLow[i], a.rowSpan[i] = q.low[id], q.span[id]
		}
	}
	_, _, levels := q.integerLevels()
	a.out = t.New(x.Rows, x.Cols, x)
	kernels.FakeQuantize(x.Rows, x.Cols, x.Data, a.rowLow, a.rowSpan, levels, a.out.Data)
	if t.Recording() {
		a.gradLow, a.gradSpan = t.Floats(len(a.rowLow)), t.Floats(len(a.rowLow))
		t.Custom(a)
	}
	return a.out
}

// Backward is the other half of apply, as NNCF gives it: dx = dy inside the
// range; d(range) = Σ dy·[(y−x)/range inside; 1 above; level_low/level_high
// below]; d(low) = Σ dy outside. A symmetric quantizer takes d(range) as the
// gradient of its scale, and tuneRange passes gradients straight through.
func (a *application) Backward() {
	q := a.q
	clear(a.gradLow)
	clear(a.gradSpan)
	dlow := a.gradLow
	if q.symmetric {
		dlow = nil
	}
	kernels.FakeQuantizeBackward(a.in.Rows, a.in.Cols, a.in.Data, a.out.Data, a.rowLow, a.rowSpan, q.lowRatio(), a.out.Gradient(), a.in.Gradient(), dlow, a.gradSpan)
	if q.symmetric {
		a.addGrad(q.scale, a.gradSpan, true)
		return
	}
	a.addGrad(q.inputLow, a.gradLow, false)
	a.addGrad(q.inputSpan, a.gradSpan, true)
}

// addGrad adds the gradients of rows to those of a parameter, through magnitude
// where the forward half took that: times the parameter's sign, or times e^p.
func (a *application) addGrad(p *autograd.Param, g []float32, magnitude bool) {
	sum := p.Gradient()
	if sum == nil {
		return
	}
	for i, v := range g {
		at := i
		if a.ids != nil {
			at = int(a.ids[i])
		}
		switch {
		case !magnitude:
		case a.q.logarithm:
			v *= a.q.magnitude(p, at)
		case p.Data[at] < 0:
			v = -v
		case p.Data[at] == 0:
			v = 0
		}
		sum[at] += v
	}
}

// activationRange is an activation quantizer as it is deployed; nil for none.
func (q *quantizer) activationRange() *ActivationRange {
	if q == nil || q.off {
		return nil
	}
	q.update()
	_, _, levels := q.integerLevels()
	return &ActivationRange{Low: q.low[0], High: q.high[0], Levels: levels, Symmetric: q.symmetric}
}

// integers quantizes a weight (rows, cols) for deployment, w = (i8 − zero)·scale.
// Signed symmetric weights have no zero point (nil). The others are NNCF's
// unsigned integers, from 0, shifted into those of 8 bits with a sign: by 128,
// and those of the half range by 64, so that they keep to 7 bits.
func (q *quantizer) integers(w []float32, rows, cols int) (i8 []int8, scale []float32, zero []int8) {
	q.update()
	levelLow, _, levels := q.integerLevels()
	i8, scale = make([]int8, rows*cols), make([]float32, rows)
	if levelLow == 0 {
		zero = make([]int8, rows)
	}
	for r := range rows {
		low, span := q.low[min(r, q.channels-1)], q.span[min(r, q.channels-1)]
		s := float32(levels-1) / span
		zp := float32(math.RoundToEven(float64(-low * s)))
		scale[r] = 1 / s
		at := 0 // integer of the value zero
		if zero != nil {
			at = int(zp) - (levels+1)/2
			zero[r] = int8(at)
		}
		for c := range cols {
			x := min(max(w[r*cols+c], low), low+span)
			i8[r*cols+c] = int8(int(math.RoundToEven(float64(float32((x-low)*s)-zp))) + at)
		}
	}
	return i8, scale, zero
}
