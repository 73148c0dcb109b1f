package onnx

import (
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// quantizerKey tells when two fake quantizers are the same.
type quantizerKey struct {
	x         value
	low, high float32
	levels    int
}

// byteLevels are the levels of QuantizeLinear, to whose ends it saturates.
const byteLevels = 256

// zeroTolerance is how far from a whole level, in levels, rounding to float32
// may put the 0 of a range.
const zeroTolerance = 1e-3

// quantize is x quantized to the range r and dequantized, or x where there is no
// range. A second quantizer with the same range on the same tensor is the first one.
//
// QuantizeLinear rounds x/scale to a whole number and adds the zero point. That
// is the range's formula where 0 lies on a level. Else the formula, which rounds
// x − Low, moves the levels so that the nearest one is 0, and x must be moved by
// the same distance, Low + zero point·scale. (Training ends with such a range
// when its lower end is less than half a level below 0.)
func (g *graph) quantize(name string, x value, r *jpqd.ActivationRange) value {
	if r == nil {
		return x
	}
	key := quantizerKey{x, r.Low, r.High, r.Levels}
	if y, ok := g.quantizers[key]; ok {
		return y
	}
	if r.Levels < byteLevels {
		x = g.node(name+"/clip", "Clip", []value{x, g.float(name+"/low", r.Low), g.float(name+"/high", r.High)})
	}
	step := r.Step()
	exact := -float64(r.Low) / step
	zeroPoint := math.RoundToEven(exact)
	if math.Abs(exact-zeroPoint) >= zeroTolerance {
		shift := g.float(name+"/shift", float32(float64(r.Low)+zeroPoint*step))
		x = g.binary(name+"/shifted", "Sub", x, shift)
	}
	scale := g.float(name+"/scale", float32(step))
	var zero value
	if r.Symmetric && r.Low < 0 {
		zero = g.constant(name+"/zero_point", values[int8]{int8(int(zeroPoint) - r.Levels/2)})
	} else {
		zero = g.constant(name+"/zero_point", values[uint8]{uint8(zeroPoint)})
	}
	q := g.node(name+"/quantized", "QuantizeLinear", []value{x, scale, zero})
	y := g.node(name, "DequantizeLinear", []value{q, scale, zero})
	g.quantizers[key] = y
	return y
}

// smoothed is a tensor of which the columns are multiplied by factors.
type smoothed struct {
	x, y    value
	factors []float32
}

// smooth multiplies the columns of x by factors, if there are any. A second such
// product of the same tensor is the first one.
func (g *graph) smooth(name string, x value, factors []float32) value {
	if factors == nil {
		return x
	}
	for _, s := range g.smoothed {
		if s.x == x && slices.Equal(s.factors, factors) {
			return s.y
		}
	}
	y := g.binary(name, "Mul", x, g.row(name+"/factors", factors))
	g.smoothed = append(g.smoothed, smoothed{x, y, factors})
	return y
}

// weight is the transpose of m as floats, (cols, rows), as MatMul wants its
// right operand.
func (g *graph) weight(path string, m *jpqd.CompressedMatrix) value {
	rows, cols := int64(m.Rows), int64(m.Cols)
	if m.F32 != nil {
		return g.constant(path, transposed[float32]{m.F32, m.Cols}, cols, rows)
	}
	zero := m.Zero
	if zero == nil {
		zero = make([]int8, m.Rows) // ONNX Runtime's own rewrites want one for each scale
	}
	return g.node(path, "DequantizeLinear", []value{
		g.constant(path+"/int8", transposed[int8]{m.I8, m.Cols}, cols, rows),
		g.row(path+"/scale", m.Scale),
		g.constant(path+"/zero_point", values[int8](zero), rows),
	}, intAttribute("axis", 1))
}

// embedding is the rows of m that ids name, as floats: of an integer table only
// these are dequantized.
func (g *graph) embedding(path string, m *jpqd.CompressedMatrix, ids value) value {
	table, rows, cols := path+".weight", int64(m.Rows), int64(m.Cols)
	if m.F32 != nil {
		return g.gather(path, g.constant(table, values[float32](m.F32), rows, cols), ids, 0)
	}
	floats := func(part string, e elements, cols int64) value {
		x := g.gather(path+part, g.constant(table+part, e, rows, cols), ids, 0)
		return g.cast(path+part+"/float", x, onnxpb.TensorProto_FLOAT)
	}
	x := floats("/int8", values[int8](m.I8), cols)
	if m.Zero != nil {
		x = g.binary(path+"/shifted", "Sub", x, floats("/zero_point", values[int8](m.Zero), 1))
	}
	scale := g.gather(path+"/scale", g.constant(table+"/scale", values[float32](m.Scale), rows, 1), ids, 0)
	return g.binary(path, "Mul", x, scale)
}
