package onnx

import (
	"math"

	"github.com/go-jpqd/jpqd/jpqd"
)

// queryScale is 1/√head_dim.
func queryScale(headDim int) float32 { return float32(1 / math.Sqrt(float64(headDim))) }

// scaleLinear is l with its output multiplied by f.
func scaleLinear(l *jpqd.CompressedLinear, f float32) *jpqd.CompressedLinear {
	scaled := *l
	scaled.Weight.F32 = scaleValues(l.Weight.F32, f)
	scaled.Weight.Scale = scaleValues(l.Weight.Scale, f)
	scaled.Bias = scaleValues(l.Bias, f)
	return &scaled
}

// scaleRange is r for values multiplied by f; nil stays nil.
func scaleRange(r *jpqd.ActivationRange, f float32) *jpqd.ActivationRange {
	if r == nil {
		return nil
	}
	scaled := *r
	scaled.Low *= f
	scaled.High *= f
	return &scaled
}

func scaleValues(v []float32, f float32) []float32 {
	if v == nil {
		return nil
	}
	scaled := make([]float32, len(v))
	for i := range v {
		scaled[i] = v[i] * f
	}
	return scaled
}
