package autograd

// TokenCrossEntropy is the loss of choosing one token of every sequence, for
// each column on its own: the mean over columns of
//
//	1/n·Σ −log softmax(logits of the sequence's rows)[label]
//
// with the sum over the n sequences whose label is a row of theirs; any other
// label is ignored, and a column of which all are ignored has loss 0.
//
//	logits (rows, columns), rows of sequence s are offsets[s] to offsets[s+1],
//	labels (sequences, columns) count from a sequence's first row → (1, 1)
//
// offsets and labels must stay unchanged until the step ends.
func (t *Tape) TokenCrossEntropy(logits *Tensor, offsets []int, labels []int32) *Tensor {
	loss := t.New(1, 1, logits)
	p := t.Floats(len(logits.Data))
	mean := 0.0
	for c := range logits.Cols {
		sum, n := 0.0, 0
		for s := range len(offsets) - 1 {
			label := int(labels[s*logits.Cols+c])
			if label < 0 || label >= offsets[s+1]-offsets[s] {
				continue
			}
			at, end := offsets[s]*logits.Cols+c, offsets[s+1]*logits.Cols
			lse := softmaxInto(p[at:end], logits.Data[at:end], logits.Cols, 1)
			sum += lse - float64(logits.Data[at+label*logits.Cols])
			n++
		}
		if n > 0 {
			mean += sum / float64(n) / float64(logits.Cols)
		}
	}
	loss.Data[0] = float32(mean)
	return t.record(loss, node{backward: tokenCrossEntropyBackward, in: [3]*Tensor{logits}, saved: [3][]float32{p}, ids: labels, offsets: offsets})
}

// dlogits += dy·(softmax − onehot)/(n·columns) in the rows of the sequences that count
func tokenCrossEntropyBackward(_ *Tape, n *node) {
	logits, p := n.in[0], n.saved[0]
	dlogits, sequences := logits.Gradient(), len(n.offsets)-1
	label := func(s, c int) (int, bool) {
		l := int(n.ids[s*logits.Cols+c])
		return l, l >= 0 && l < n.offsets[s+1]-n.offsets[s]
	}
	for c := range logits.Cols {
		count := 0
		for s := range sequences {
			if _, ok := label(s, c); ok {
				count++
			}
		}
		g := n.out.Grad[0] / float32(max(1, count)*logits.Cols)
		for s := range sequences {
			l, ok := label(s, c)
			if !ok {
				continue
			}
			for r := n.offsets[s]; r < n.offsets[s+1]; r++ {
				dlogits[r*logits.Cols+c] += g * p[r*logits.Cols+c]
			}
			dlogits[(n.offsets[s]+l)*logits.Cols+c] -= g
		}
	}
}

// TokenDistillation is [Tape.Distillation] of the choice of one token of every
// sequence, for each column on its own: the mean over columns of
//
//	T²·(1/sequences)·Σ p_t·(log p_t − log p_s), p = softmax(logits of the sequence's rows/T)
//
//	student, teacher (rows, columns), rows of sequence s are offsets[s] to offsets[s+1] → (1, 1)
//
// offsets must stay unchanged until the step ends.
func (t *Tape) TokenDistillation(student, teacher *Tensor, offsets []int, temperature float64) *Tensor {
	sameShape("TokenDistillation", student, teacher)
	loss := t.New(1, 1, student)
	ps, pt := t.Floats(len(student.Data)), t.Floats(len(student.Data))
	cols, sequences, sum := student.Cols, len(offsets)-1, 0.0
	for s := range sequences {
		if offsets[s] == offsets[s+1] {
			continue
		}
		for c := range cols {
			at, end := offsets[s]*cols+c, offsets[s+1]*cols
			ls := softmaxInto(ps[at:end], student.Data[at:end], cols, temperature)
			lt := softmaxInto(pt[at:end], teacher.Data[at:end], cols, temperature)
			for i := at; i < end; i += cols {
				sum += float64(pt[i]) * ((float64(teacher.Data[i])/temperature - lt) - (float64(student.Data[i])/temperature - ls))
			}
		}
	}
	loss.Data[0] = float32(temperature * temperature * sum / float64(sequences*cols))
	return t.record(loss, node{
		backward: tokenDistillationBackward, in: [3]*Tensor{student}, saved: [3][]float32{ps, pt}, scale: float32(temperature), offsets: offsets,
	})
}

// dstudent += dy·T·(p_s − p_t)/(sequences·columns)
func tokenDistillationBackward(_ *Tape, n *node) {
	student, sequences := n.in[0], len(n.offsets)-1
	dstudent := student.Gradient()
	g := n.out.Grad[0] * n.scale / float32(sequences*student.Cols)
	for i := n.offsets[0] * student.Cols; i < n.offsets[sequences]*student.Cols; i++ {
		dstudent[i] += g * (n.saved[0][i] - n.saved[1][i])
	}
}
