package autograd

import (
	"slices"

	"github.com/go-jpqd/jpqd/kernels"
)

// rowGradient is the gradient of a table of which a step looks up few rows: of
// 30,522 words a batch has a thousand, and the gradients of the others need
// neither memory nor time.
type rowGradient struct {
	place []int32   // of each row of the table 1 + its place in data, or 0: its gradient is zero
	rows  []int32   // that have a place, in the order in which they came
	data  []float32 // (len(rows), cols)
	cols  int
}

func newRowGradient(rows, cols int) *rowGradient {
	return &rowGradient{place: make([]int32, rows), cols: cols}
}

// row is the gradient of row i, or nil where it is zero.
func (g *rowGradient) row(i int) []float32 {
	at := int(g.place[i])
	if at == 0 {
		return nil
	}
	return g.data[(at-1)*g.cols : at*g.cols]
}

// add adds dy to the gradient of row i.
func (g *rowGradient) add(i int, dy []float32) {
	if to := g.row(i); to != nil {
		kernels.Add(to, dy, to)
		return
	}
	g.rows = append(g.rows, int32(i))
	g.place[i] = int32(len(g.rows))
	g.data = append(g.data, dy...)
}

// clear makes it zero.
func (g *rowGradient) clear() {
	for _, i := range g.rows {
		g.place[i] = 0
	}
	g.rows, g.data = g.rows[:0], g.data[:0]
}

// set makes it that of all rows, dense.
func (g *rowGradient) set(dense []float32) {
	g.clear()
	for i := range g.place {
		if row := dense[i*g.cols : (i+1)*g.cols]; slices.ContainsFunc(row, func(v float32) bool { return v != 0 }) {
			g.add(i, row)
		}
	}
}

// dense is a copy of all rows.
func (g *rowGradient) dense() []float32 {
	all := make([]float32, len(g.place)*g.cols)
	for _, i := range g.rows {
		copy(all[int(i)*g.cols:], g.row(int(i)))
	}
	return all
}

// sumSquares adds up in the order of the table, whatever came first.
func (g *rowGradient) sumSquares() float64 {
	sum := 0.0
	for i := range g.place {
		if row := g.row(i); row != nil {
			sum += kernels.SumSquares(row)
		}
	}
	return sum
}

// tableStep is a step of AdamW on a table; a part is a band of its rows.
type tableStep struct {
	step  kernels.AdamWStep
	p     *Param
	m     *Moments
	band  int       // rows
	zeros []float32 // (band, cols)
}

// bandElements is about how much of a table is one part.
const bandElements = 1 << 14

func (w *tableStep) run(s kernels.AdamWStep, p *Param, m *Moments) {
	w.step, w.p, w.m = s, p, m
	w.band = max(1, bandElements/max(1, p.Cols))
	if len(w.zeros) < w.band*p.Cols {
		w.zeros = make([]float32, w.band*p.Cols)
	}
	kernels.Parallel((p.Rows+w.band-1)/w.band, w)
}

// Run does the i-th band.
func (w *tableStep) Run(i int) {
	end := min((i+1)*w.band, w.p.Rows)
	for from := i * w.band; from < end; {
		to, g := from+1, w.p.rows.row(from)
		if g == nil {
			for to < end && w.p.rows.place[to] == 0 {
				to++
			}
			g = w.zeros[:(to-from)*w.p.Cols]
		}
		at, stop := from*w.p.Cols, to*w.p.Cols
		kernels.AdamW(w.step, w.p.Data[at:stop], g, w.m.M[at:stop], w.m.V[at:stop])
		from = to
	}
}
