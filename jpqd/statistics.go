package jpqd

// Statistics are NNCF's figures of movement sparsity.
type Statistics struct {
	ModelSparsity       float64 // zeros / all parameters of the model; scores and quantizers not counted
	LinearLayerSparsity float64 // zeros / elements of the sparsified weights and biases, masks applied
	Threshold           float64 // importance_threshold
	Factor              float64 // importance_regularization_factor
	Stage               Stage
}

// statistics counts zeros of mask∘parameter; a value that happens to be zero counts.
func (c *compression) statistics() Statistics {
	s := Statistics{Threshold: c.threshold, Factor: c.loss.factor, Stage: c.schedule.stage()}
	var zeros, total, linearZeros, linearTotal int
	for _, p := range c.sparsifiers {
		for _, o := range []struct {
			*maskedOperand
			data []float32
		}{{&p.weight, p.linear.Weight.Data}, {&p.bias, p.linear.Bias.Data}} {
			for i, v := range o.data {
				if v*o.mask[i] == 0 {
					linearZeros++
				}
				if v == 0 {
					zeros--
				}
			}
			linearTotal += len(o.data)
		}
	}
	for _, p := range c.model.Parameters() {
		for _, v := range p.Data {
			if v == 0 {
				zeros++
			}
		}
		total += len(p.Data)
	}
	s.LinearLayerSparsity = float64(linearZeros) / float64(linearTotal)
	s.ModelSparsity = float64(zeros+linearZeros) / float64(total)
	return s
}
