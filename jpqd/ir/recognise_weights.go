package ir

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// stored are weights as Const -> Convert -> [Subtract zero] -> Multiply scale.
type stored struct {
	integers *layer // Const of i8 or u8
	zero     source // no layer: none
	scale    source
}

// findStored recognises stored weights; nil for anything else.
func findStored(s source) *stored {
	if !s.is("Multiply") {
		return nil
	}
	for i, in := range s.inputs {
		w := &stored{scale: s.inputs[1-i]}
		if in.is("Subtract") {
			w.zero = in.inputs[1]
			in = in.inputs[0]
		}
		if in.is("Convert") && in.inputs[0].kind == "Const" {
			if w.integers = in.inputs[0].layer; w.integers.typ == I8 || w.integers.typ == U8 {
				return w
			}
		}
	}
	return nil
}

// weights is a matrix of which s is the constant, (rows, cols), or (cols, rows)
// where it is turned.
func (r *recogniser) weights(s source, turned bool) (jpqd.CompressedMatrix, error) {
	var m jpqd.CompressedMatrix
	for s.is("Transpose") {
		order := r.small(s.inputs[1], 2)
		if order == nil || !slices.Equal(order.I64, []int64{1, 0}) {
			return m, fmt.Errorf("%s: found an order other than 1, 0 of a weight", s.describe())
		}
		s, turned = s.inputs[0], !turned
	}
	through := s
	for through.is("Convert") {
		through = through.inputs[0]
	}
	if w := findStored(through); w != nil {
		return r.storedWeights(s, w, turned)
	}
	if s.is("FakeQuantize") && r.has(s.inputs[0]) {
		return r.quantizedWeights(s, turned)
	}
	t, err := r.table(s)
	if err != nil {
		return m, err
	}
	m.Rows, m.Cols = t.Shape[0], t.Shape[1]
	m.F32 = t.F32
	if turned {
		m.F32 = turn(t.F32, m.Rows, m.Cols)
		m.Rows, m.Cols = m.Cols, m.Rows
	}
	return m, nil
}

// table is a constant matrix of floats.
func (r *recogniser) table(s source) (*Tensor, error) {
	if !r.has(s) {
		return nil, fmt.Errorf("%s: found a weight that is no constant", s.describe())
	}
	t, err := r.evaluate(s, nil, r.most)
	if err != nil {
		return nil, err
	}
	if len(t.Shape) == 3 && t.Shape[0] == 1 {
		t.Shape = t.Shape[1:]
	}
	if !t.Type.isFloat() || len(t.Shape) != 2 {
		return nil, fmt.Errorf("%s: found a weight of %s and shape %v, want a matrix of floats", s.describe(), t.Type, t.Shape)
	}
	return t, nil
}

// turn is the transpose of x, (rows, cols).
func turn[T any](x []T, rows, cols int) []T {
	y := make([]T, len(x))
	for i := range rows {
		for j, v := range x[i*cols : (i+1)*cols] {
			y[j*rows+i] = v
		}
	}
	return y
}

// storedWeights takes the integers as they are; those of u8 lose 128, as do their
// zero points.
func (r *recogniser) storedWeights(s source, w *stored, turned bool) (jpqd.CompressedMatrix, error) {
	var m jpqd.CompressedMatrix
	shape := w.integers.shape
	if len(shape) != 2 {
		return m, fmt.Errorf("%s: found a weight of shape %v, want a matrix", w.integers.describe(), shape)
	}
	m.Rows, m.Cols = shape[0], shape[1]
	m.I8 = make([]int8, m.Rows*m.Cols)
	shift := byte(0)
	if w.integers.typ == U8 {
		shift = 128
	}
	for i := range m.I8 {
		m.I8[i] = int8(w.integers.raw[i] - shift)
	}
	if turned {
		m.I8 = turn(m.I8, m.Rows, m.Cols)
		m.Rows, m.Cols = m.Cols, m.Rows
	}
	scale, err := r.perRow(s, w.scale, m.Rows, turned)
	if err != nil {
		return m, fmt.Errorf("scale: %w", err)
	}
	zero := make([]float32, m.Rows)
	if w.zero.layer != nil {
		if zero, err = r.perRow(s, w.zero, m.Rows, turned); err != nil {
			return m, fmt.Errorf("zero point: %w", err)
		}
	}
	m.Scale = scale
	return m, setZero(&m, zero, float64(shift), s)
}

// setZero sets the zero points of m, each less shift.
func setZero(m *jpqd.CompressedMatrix, zero []float32, shift float64, s source) error {
	any := false
	points := make([]int8, len(zero))
	for i, z := range zero {
		exact := float64(z) - shift
		whole := math.RoundToEven(exact)
		if !(math.Abs(exact-whole) < zeroTolerance) || whole < -128 || whole > 127 {
			return fmt.Errorf("%s: row %d: found the zero point %v, want a whole number from %v to %v", s.describe(), i, z, -128+shift, 127+shift)
		}
		points[i] = int8(whole)
		any = any || whole != 0
	}
	if any {
		m.Zero = points
	}
	return nil
}

// perRow is a constant with one value for each row of a matrix, or one for all.
func (r *recogniser) perRow(s, of source, rows int, turned bool) ([]float32, error) {
	t := r.small(of, max(1, rows))
	if t == nil {
		return nil, fmt.Errorf("%s: found no constant, want one value, or %d for the rows of the weight", s.describe(), rows)
	}
	values := t.F32
	for _, v := range t.I64 {
		values = append(values, float32(v))
	}
	if len(values) == 1 {
		return slices.Repeat(values, rows), nil
	}
	axis := len(t.Shape) - 2 // of (rows, 1)
	if turned {
		axis = len(t.Shape) - 1
	}
	if len(values) != rows || axis < 0 || t.Shape[axis] != rows {
		return nil, fmt.Errorf("%s: found shape %v, want one value, or %d for the rows of the weight", s.describe(), t.Shape, rows)
	}
	return values, nil
}

// quantizedWeights makes the integers of a FakeQuantize of constants, as
// OpenVINO's compression of such weights does: levels from −⌊levels/2⌋ on.
func (r *recogniser) quantizedWeights(s source, turned bool) (jpqd.CompressedMatrix, error) {
	var m jpqd.CompressedMatrix
	t, err := r.table(s.inputs[0])
	if err != nil {
		return m, err
	}
	levels, err := (&call{layer: s.layer}).integer("levels", 256)
	if err != nil || levels < 2 || levels > 256 {
		return m, fmt.Errorf("%s: levels: found %q, want 2 to 256", s.describe(), s.attributes.get("levels"))
	}
	m.Rows, m.Cols = t.Shape[0], t.Shape[1]
	x := t.F32
	if turned {
		x = turn(x, m.Rows, m.Cols)
		m.Rows, m.Cols = m.Cols, m.Rows
	}
	var limits [4][]float32 // input low and high, output low and high
	for i := range limits {
		if limits[i], err = r.perRow(s, s.inputs[1+i], m.Rows, turned); err != nil {
			return m, err
		}
	}
	m.I8, m.Scale = make([]int8, len(x)), make([]float32, m.Rows)
	zero := make([]float32, m.Rows)
	steps, lowest := float64(levels-1), -float64(levels/2)
	for i := range m.Rows {
		inLow, inHigh := float64(limits[0][i]), float64(limits[1][i])
		outLow, outHigh := float64(limits[2][i]), float64(limits[3][i])
		scale := (outHigh - outLow) / steps
		m.Scale[i] = float32(scale)
		if zero[i] = float32(lowest - outLow/scale); math.Abs(float64(zero[i])) < zeroTolerance {
			zero[i] = 0
		}
		for j, v := range x[i*m.Cols : (i+1)*m.Cols] {
			m.I8[i*m.Cols+j] = int8(math.RoundToEven(quantizePoint(float64(v), inLow, inHigh, lowest, lowest+steps, steps)))
		}
	}
	return m, setZero(&m, zero, 0, s)
}

// vector is a constant of n floats, along the last of its dimensions.
func (r *recogniser) vector(s source, n int) ([]float32, error) {
	t := r.small(s, max(1, n))
	if t == nil || len(t.F32) != n || rowLength(t.Shape) != n {
		return nil, fmt.Errorf("%s: found no constant of %d floats", s.describe(), n)
	}
	return slices.Clone(t.F32), nil
}

// activation is the range of a FakeQuantize of activations.
func (r *recogniser) activation(l *layer) (*jpqd.ActivationRange, error) {
	levels, err := (&call{layer: l}).integer("levels", 256)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.describe(), err)
	}
	var limits [4]float32
	for i := range limits {
		v, ok := r.scalar(l.inputs[1+i])
		if !ok {
			return nil, fmt.Errorf("%s: input %d: found no constant of one float, want one range for the whole tensor", l.describe(), 1+i)
		}
		limits[i] = float32(v)
	}
	a := &jpqd.ActivationRange{Low: limits[0], High: limits[1], Levels: levels}
	if !(a.Low <= 0 && a.High >= 0 && a.High > a.Low) || levels < 2 || levels > 256 {
		return nil, fmt.Errorf("%s: found %d levels from %v to %v, want 2 to 256 with 0 between them", l.describe(), levels, a.Low, a.High)
	}
	a.Symmetric = rangeType(a.Low, a.High, levels) != ""
	low, high := outputLimits(a)
	if near := 0.01 * a.Step(); !(math.Abs(float64(low-limits[2])) <= near && math.Abs(float64(high-limits[3])) <= near) {
		return nil, fmt.Errorf("%s: found outputs from %v to %v, want %v to %v as of a quantizer", l.describe(), limits[2], limits[3], low, high)
	}
	return a, nil
}
