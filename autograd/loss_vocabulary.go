package autograd

import (
	"math"

	"github.com/go-jpqd/jpqd/kernels"
)

// VocabularyCrossEntropy is [Tape.CrossEntropy] for classes by the thousand, the
// words of a vocabulary: the mean over rows of −log softmax(logits)[label], 0
// where there are no rows. It keeps no probabilities: the backward half computes
// them again, which is cheaper than to write and to read them.
//
//	logits (rows, classes), labels (rows) → (1, 1)
//
// labels must stay unchanged until the step ends.
func (t *Tape) VocabularyCrossEntropy(logits *Tensor, labels []int32) *Tensor {
	loss := t.New(1, 1, logits)
	each := t.Floats(logits.Rows)
	t.vocabulary(vocabularyTask{logits: logits, labels: labels, loss: each})
	sum := 0.0
	for _, l := range each {
		sum += float64(l)
	}
	loss.Data[0] = float32(sum / float64(max(1, logits.Rows)))
	return t.record(loss, node{backward: vocabularyBackward, in: [3]*Tensor{logits}, ids: labels})
}

// dlogits += dy·(softmax − onehot)/rows
func vocabularyBackward(t *Tape, n *node) {
	logits := n.in[0]
	w := vocabularyTask{logits: logits, labels: n.ids, scale: n.out.Grad[0] / float32(max(1, logits.Rows))}
	w.gradient, w.add = logits.gradient()
	t.vocabulary(w)
}

// vocabularyRows is how many rows a part has. It bounds the scratch memory, a
// row for each part, and does not depend on the number of threads.
const vocabularyRows = 16

// vocabularyTask is the forward half, where loss is set, or else the backward
// half. A part is vocabularyRows rows.
type vocabularyTask struct {
	logits   *Tensor
	labels   []int32
	loss     []float32 // (rows)
	scale    float32   // dy/rows
	gradient []float32 // of the logits
	add      bool      // it has something to be added to
	scratch  []float32 // (parts, classes)
}

func (t *Tape) vocabulary(pass vocabularyTask) {
	parts := (pass.logits.Rows + vocabularyRows - 1) / vocabularyRows
	pass.scratch = t.Floats(parts * pass.logits.Cols)
	t.classes = pass
	kernels.Parallel(parts, &t.classes)
}

// Run does rows i·vocabularyRows and on.
func (w *vocabularyTask) Run(i int) {
	cols := w.logits.Cols
	p := w.scratch[i*cols : (i+1)*cols]
	for r := i * vocabularyRows; r < min((i+1)*vocabularyRows, w.logits.Rows); r++ {
		x, label := w.logits.Row(r), w.labels[r]
		if w.loss != nil {
			kernels.Softmax(1, cols, x, cols, p, cols)
			// The greatest probability is exp(top − logsumexp): at least 1/classes,
			// so that its logarithm is exact where that of the label's may be of 0.
			_, top := kernels.MinMax(x)
			_, greatest := kernels.MinMax(p)
			w.loss[r] = float32(float64(top) - math.Log(float64(greatest)) - float64(x[label]))
			continue
		}
		dx := w.gradient[r*cols : (r+1)*cols]
		if w.add {
			kernels.Softmax(1, cols, x, cols, p, cols)
			kernels.AddScaled(w.scale, p, dx)
		} else {
			kernels.Softmax(1, cols, x, cols, dx, cols)
			kernels.Scale(w.scale, dx, dx)
		}
		dx[label] -= w.scale
	}
}
