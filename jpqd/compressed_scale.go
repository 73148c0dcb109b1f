package jpqd

// Scaled is l with its output multiplied by f: weights (the scales of integer
// ones) and biases.
func (l *CompressedLinear) Scaled(f float32) *CompressedLinear {
	scaled := *l
	scaled.Weight.F32 = scaledValues(l.Weight.F32, f)
	scaled.Weight.Scale = scaledValues(l.Weight.Scale, f)
	scaled.Bias = scaledValues(l.Bias, f)
	return &scaled
}

// Scaled is r for values multiplied by f; nil stays nil.
func (r *ActivationRange) Scaled(f float32) *ActivationRange {
	if r == nil {
		return nil
	}
	scaled := *r
	scaled.Low *= f
	scaled.High *= f
	return &scaled
}

func scaledValues(v []float32, f float32) []float32 {
	if v == nil {
		return nil
	}
	scaled := make([]float32, len(v))
	for i := range v {
		scaled[i] = v[i] * f
	}
	return scaled
}
