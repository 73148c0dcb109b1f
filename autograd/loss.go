package autograd

import "math"

// CrossEntropy is the mean over rows of −log softmax(logits)[label].
//
//	logits (rows, classes), labels (rows) → (1, 1)
//
// labels must stay unchanged until the step ends.
func (t *Tape) CrossEntropy(logits *Tensor, labels []int32) *Tensor {
	loss := t.New(1, 1, logits)
	p := t.Floats(len(logits.Data))
	sum := 0.0
	for i := range logits.Rows {
		row := p[i*logits.Cols : (i+1)*logits.Cols]
		lse := softmaxInto(row, logits.Row(i), 1, 1)
		sum += lse - float64(logits.Row(i)[labels[i]])
	}
	loss.Data[0] = float32(sum / float64(logits.Rows))
	return t.record(loss, node{backward: crossEntropyBackward, in: [3]*Tensor{logits}, saved: [3][]float32{p}, ids: labels})
}

// dlogits += dy·(softmax − onehot)/rows
func crossEntropyBackward(_ *Tape, n *node) {
	logits, p := n.in[0], n.saved[0]
	dlogits := logits.Gradient()
	g := n.out.Grad[0] / float32(logits.Rows)
	for i, label := range n.ids[:logits.Rows] {
		at := i * logits.Cols
		for j := range logits.Cols {
			dlogits[at+j] += g * p[at+j]
		}
		dlogits[at+int(label)] -= g
	}
}

// MSE is the mean over rows of (x − target)², the loss of regression.
//
//	x (rows, 1), targets (rows) → (1, 1)
func (t *Tape) MSE(x *Tensor, targets []float32) *Tensor {
	loss := t.New(1, 1, x)
	sum := 0.0
	for i, v := range x.Data {
		d := float64(v - targets[i])
		sum += d * d
	}
	loss.Data[0] = float32(sum / float64(len(x.Data)))
	return t.record(loss, node{backward: mseBackward, in: [3]*Tensor{x}, saved: [3][]float32{targets}})
}

// dx += dy·2(x − target)/rows
func mseBackward(_ *Tape, n *node) {
	x := n.in[0]
	dx := x.Gradient()
	g := 2 * n.out.Grad[0] / float32(len(x.Data))
	for i, v := range x.Data {
		dx[i] += g * (v - n.saved[0][i])
	}
}

// Distillation is T²·(1/rows)·Σ p_t·(log p_t − log p_s) with p = softmax(logits/T),
// the divergence of the student from the teacher (Hinton, Vinyals and Dean
// 2015; KL with batchmean). The teacher gets no gradient.
//
//	student, teacher (rows, classes) → (1, 1)
func (t *Tape) Distillation(student, teacher *Tensor, temperature float64) *Tensor {
	sameShape("Distillation", student, teacher)
	loss := t.New(1, 1, student)
	ps, pt := t.Floats(len(student.Data)), t.Floats(len(student.Data))
	sum := 0.0
	for i := range student.Rows {
		at, end := i*student.Cols, (i+1)*student.Cols
		ls := softmaxInto(ps[at:end], student.Row(i), 1, temperature)
		lt := softmaxInto(pt[at:end], teacher.Row(i), 1, temperature)
		for j, p := range pt[at:end] {
			sum += float64(p) * ((float64(teacher.Row(i)[j])/temperature - lt) - (float64(student.Row(i)[j])/temperature - ls))
		}
	}
	loss.Data[0] = float32(temperature * temperature * sum / float64(student.Rows))
	return t.record(loss, node{backward: distillationBackward, in: [3]*Tensor{student}, saved: [3][]float32{ps, pt}, scale: float32(temperature)})
}

// dstudent += dy·T·(p_s − p_t)/rows
func distillationBackward(_ *Tape, n *node) {
	student := n.in[0]
	g := n.out.Grad[0] * n.scale / float32(student.Rows)
	dstudent := student.Gradient()
	for i := range dstudent {
		dstudent[i] += g * (n.saved[0][i] - n.saved[1][i])
	}
}

// softmaxInto writes softmax(x/temperature) to p and returns the logarithm of
// the sum of exponentials of x/temperature. Of both slices every stride-th
// element counts, from the first on.
func softmaxInto(p, x []float32, stride int, temperature float64) float64 {
	top := math.Inf(-1)
	for i := 0; i < len(x); i += stride {
		top = math.Max(top, float64(x[i])/temperature)
	}
	sum := 0.0
	for i := 0; i < len(x); i += stride {
		sum += math.Exp(float64(x[i])/temperature - top)
	}
	lse := top + math.Log(sum)
	for i := 0; i < len(x); i += stride {
		p[i] = float32(math.Exp(float64(x[i])/temperature - lse))
	}
	return lse
}
