package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/kernels"
)

// matMul multiplies the matrices in the last two dimensions; those before
// broadcast. A vector on the left is a row, on the right a column, and leaves
// no dimension in the result.
func matMul(c *call) ([]*Tensor, error) {
	transposeA, err := c.boolean("transpose_a", false)
	if err != nil {
		return nil, err
	}
	transposeB, err := c.boolean("transpose_b", false)
	if err != nil {
		return nil, err
	}
	a, err := c.float(0)
	if err != nil {
		return nil, err
	}
	b, err := c.float(1)
	if err != nil {
		return nil, err
	}
	if len(a.Shape) == 0 || len(b.Shape) == 0 {
		return nil, fmt.Errorf("found shapes %v and %v, want at least one dimension", a.Shape, b.Shape)
	}
	vectorA, vectorB := len(a.Shape) == 1, len(b.Shape) == 1
	if vectorA {
		a, transposeA = reshaped(a, []int{1, a.Shape[0]}), false
	}
	if vectorB {
		b, transposeB = reshaped(b, []int{1, b.Shape[0]}), true
	}
	if transposeA {
		if a, err = c.swapLast(a); err != nil {
			return nil, err
		}
	}
	if !transposeB { // rows of bᵀ are read in order
		if b, err = c.swapLast(b); err != nil {
			return nil, err
		}
	}
	y, err := c.product(a, b)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(y.Shape)
	if vectorB {
		shape = shape[:len(shape)-1]
	}
	if vectorA {
		shape = slices.Delete(shape, len(y.Shape)-2, len(y.Shape)-1)
	}
	return []*Tensor{reshaped(y, shape)}, nil
}

// swapLast exchanges the last two dimensions.
func (c *call) swapLast(x *Tensor) (*Tensor, error) {
	n := len(x.Shape)
	shape, with := slices.Clone(x.Shape), strides(x.Shape)
	shape[n-2], shape[n-1] = shape[n-1], shape[n-2]
	with[n-2], with[n-1] = with[n-1], with[n-2]
	return c.view(x, shape, 0, with)
}

// product is a·bᵀ over the last two dimensions.
func (c *call) product(a, b *Tensor) (*Tensor, error) {
	lastA, lastB := a.Shape[len(a.Shape)-2:], b.Shape[len(b.Shape)-2:]
	if lastA[1] != lastB[1] || a.Type != b.Type {
		return nil, fmt.Errorf("found %s rows of %d and %s columns of %d, want the same", a.Type, lastA[1], b.Type, lastB[1])
	}
	outerA, outerB := a.Shape[:len(a.Shape)-2], b.Shape[:len(b.Shape)-2]
	outer, err := broadcastShapes(outerA, outerB)
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(a.Type, append(slices.Clone(outer), lastA[0], lastB[0]))
	if err != nil || y.Len() == 0 {
		return y, err
	}
	p := &rowProducts{a: a.F32, b: b.F32, y: y.F32, typ: y.Type, rows: lastA[0], inner: lastA[1], cols: lastB[0]}
	with := [][]int{spread(outerA, outer), spread(outerB, outer)}
	eachRow(outer, with, func(_ int, at []int) {
		for j := range rowLength(outer) {
			p.matrixA = append(p.matrixA, at[0]+j*lastStride(with[0]))
			p.matrixB = append(p.matrixB, at[1]+j*lastStride(with[1]))
		}
	})
	kernels.Parallel((len(p.matrixA)*p.rows+rowsPerPart-1)/rowsPerPart, p)
	return y, nil
}

// rowsPerPart are the rows of the result that one goroutine takes at a time.
const rowsPerPart = 4

// rowProducts computes rows of products of (rows, inner) by (cols, inner)ᵀ.
type rowProducts struct {
	a, b, y           []float32
	typ               ElementType
	rows, inner, cols int
	matrixA, matrixB  []int // which matrix of a and b goes into each product
}

// Run computes the rows of part i.
func (p *rowProducts) Run(i int) {
	for r := i * rowsPerPart; r < min((i+1)*rowsPerPart, len(p.matrixA)*p.rows); r++ {
		product, row := r/p.rows, r%p.rows
		a := p.a[(p.matrixA[product]*p.rows+row)*p.inner:][:p.inner]
		b := p.b[p.matrixB[product]*p.cols*p.inner:]
		y := p.y[r*p.cols:][:p.cols]
		for j := range y {
			y[j] = p.typ.round(float32(dot(a, b[j*p.inner:][:p.inner])))
		}
	}
}

// dot sums in four parts, which the processor adds at the same time.
func dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	n := len(a) &^ 3
	for i := 0; i < n; i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += float64(x[0]) * float64(y[0])
		s1 += float64(x[1]) * float64(y[1])
		s2 += float64(x[2]) * float64(y[2])
		s3 += float64(x[3]) * float64(y[3])
	}
	for i := n; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return s0 + s1 + (s2 + s3)
}
