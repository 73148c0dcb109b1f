package kernels

import "runtime"

// gemmF32Strip computes a strip of C, rows × cols with cols ≤ NR, over one
// block of the depth:
//
//	s(i,j) = Σ A(i,p)·b[p*brs+j] over p < depth, fused or not, in order of p
//	c[i*ldc+j] = s(i,j), or c[i*ldc+j] + s(i,j) when add is set
//
// Row i = t·MR + r of A, r < MR, lies at a[t*atile + r*ars + p*acs], so that
// the same code walks rows, columns and packed panels. rows, cols and depth are
// at least 1. The caller vouches that every element named lies in its slice.
type gemmF32Strip func(rows, cols, depth int, a []float32, ars, acs, atile int, b []float32, brs int, c []float32, ldc int, add bool)

var gemmF32 family[gemmF32Strip]

// Blocking. A strip reads one panel of B, gemmDepth × NR (at most 72 KiB), over
// and over, and a block of A, gemmRows × gemmDepth (216 KiB), is read by one
// strip after the other: both stay in the second-level cache, a panel 16 wide
// in the first. gemmRows is a multiple of each MR, and as the distance of
// packed rows an odd number of cache lines, so that a column of them spreads
// over the whole first-level cache. gemmCols bounds the buffer of packed B to
// 2.25 MiB.
const (
	gemmDepth = 384
	gemmRows  = 144
	gemmCols  = 1536
)

// Thresholds, measured.
const (
	// gemmShare is the number of multiply-adds that is worth a further thread:
	// some 10 µs of AVX-512, about the price of waking one.
	gemmShare = 1 << 20
	// gemmPackRows is the number of rows of A from which packing B pays where
	// B's rows lie in the direction of a vector already.
	gemmPackRows = 96
	// gemmPackCols is the number of columns of B from which packing a
	// transposed A pays, where its rows lie further apart than gemmNearRows.
	gemmPackCols = 48
	gemmNearRows = 256
)

// gemmBlockDepth is the depth of the blocks into which k is cut: as few as
// gemmDepth allows, nearly equal, the last one the shortest.
func gemmBlockDepth(k int) int {
	blocks := ceilDiv(k, gemmDepth)
	return min(roundUp(ceilDiv(k, blocks), 8), gemmDepth)
}

func ceilDiv(x, y int) int { return (x + y - 1) / y }
func roundUp(x, y int) int { return ceilDiv(x, y) * y }

// gemmF32Args are the checked arguments of GemmF32.
type gemmF32Args struct {
	op         GemmOp
	m, n, k    int
	a          []float32
	lda        int
	b          []float32
	ldb        int
	c          []float32
	ldc        int
	accumulate bool
}

// gemmF32Task is one product, divided into a grid of parts for Parallel.
type gemmF32Task struct {
	gemmF32Args
	kernel             implementation[gemmF32Strip]
	partRows, partCols int // shape of a part of C
	gridCols           int // parts side by side
}

// gemmF32Buffers holds the packed operands of one part.
type gemmF32Buffers struct{ a, b []float32 }

var (
	gemmF32Tasks  freeList[gemmF32Task]
	gemmF32Packed freeList[gemmF32Buffers]
)

// gemmF32Run computes the product, shared among threads if it is large.
func gemmF32Run(args gemmF32Args) {
	t := gemmF32Tasks.get()
	t.gemmF32Args, t.kernel = args, gemmF32.use
	t.partRows, t.partCols = args.m, args.n
	if work := args.m * args.n * args.k; work >= 2*gemmShare {
		threads := min(runtime.GOMAXPROCS(0), work/gemmShare)
		t.partRows, t.partCols = gemmGrid(args.m, args.n, t.kernel.MR, t.kernel.NR, threads)
	}
	t.gridCols = ceilDiv(args.n, t.partCols)
	Parallel(ceilDiv(args.m, t.partRows)*t.gridCols, t)
	t.gemmF32Args = gemmF32Args{}
	gemmF32Tasks.put(t)
}

// gemmGrid chooses the parts into which C is cut for a number of threads: the
// cheapest of the grids of one or two parts a thread. A part of r rows and s
// columns is r·s/32 vector multiplications and r + s vectors to pack, for each
// step of the depth; threads take parts in rounds.
func gemmGrid(m, n, mr, nr, threads int) (rows, cols int) {
	if threads < 2 {
		return m, n
	}
	best := 0
	for parts := threads; parts <= 2*threads; parts += threads {
		for across := 1; across <= parts; across++ {
			r := roundUp(ceilDiv(m, ceilDiv(parts, across)), mr)
			s := roundUp(ceilDiv(n, across), nr)
			rounds := ceilDiv(ceilDiv(m, r)*ceilDiv(n, s), threads)
			if cost := rounds * (r*s + 16*(r+s)); best == 0 || cost < best {
				best, rows, cols = cost, r, s
			}
		}
	}
	return rows, cols
}

// Run computes one part of C.
func (t *gemmF32Task) Run(part int) {
	i, j := part/t.gridCols*t.partRows, part%t.gridCols*t.partCols
	buf := gemmF32Packed.get()
	t.block(buf, i, min(i+t.partRows, t.m), j, min(j+t.partCols, t.n))
	gemmF32Packed.put(buf)
}

// block computes C[i0:i1, j0:j1]. For each block of the depth it packs B's
// panels while the first rows of A pass, and keeps them for the others.
func (t *gemmF32Task) block(buf *gemmF32Buffers, i0, i1, j0, j1 int) {
	step, nr := gemmBlockDepth(t.k), t.kernel.NR
	for ; j0 < j1; j0 += gemmCols {
		jEnd := min(j0+gemmCols, j1)
		for p := 0; p < t.k; p += step {
			depth := min(step, t.k-p)
			for i := i0; i < i1; i += gemmRows {
				rows := min(gemmRows, i1-i)
				a, ars, acs, atile := t.operandA(buf, i, rows, p, depth, jEnd-j0)
				for j := j0; j < jEnd; {
					cols := panelWidth(jEnd-j, nr)
					b, brs := t.operandB(buf, j, cols, p, depth, j-j0, i1-i0, i == i0)
					t.kernel.fn(rows, cols, depth, a, ars, acs, atile, b, brs,
						t.c[i*t.ldc+j:], t.ldc, t.accumulate || p > 0)
					j += cols
				}
			}
		}
	}
}

// panelWidth is the width of the next panel when cols columns are left: near
// an equal share of them, whole vectors of 16, at most NR. So 64 columns are
// cut into 32 + 32 rather than 48 + 16.
func panelWidth(cols, nr int) int {
	return min(roundUp(ceilDiv(cols, ceilDiv(cols, nr)), 16), nr, cols)
}

// operandA returns rows i … i+rows−1 of A in the block of the depth at p, with
// the strides of [gemmF32Strip]. Only a transposed A is ever packed: a tile
// reads a few floats here and there of each of its rows, which far apart fall
// on the same places of a cache.
func (t *gemmF32Task) operandA(buf *gemmF32Buffers, i, rows, p, depth, cols int) (a []float32, ars, acs, atile int) {
	mr := t.kernel.MR
	if t.op != TN {
		return t.a[i*t.lda+p:], t.lda, 1, mr * t.lda
	}
	a = t.a[p*t.lda+i:]
	if cols < gemmPackCols || t.lda <= gemmNearRows {
		return a, 1, t.lda, mr
	}
	buf.a = grow(buf.a, gemmRows*gemmDepth)
	packRows(buf.a, gemmRows, a, t.lda, rows, depth)
	return buf.a, 1, gemmRows, mr
}

// operandB returns columns j … j+cols−1 of B in the block of the depth at p,
// row by row with stride brs. The panel is packed if fresh is set, behind the
// panels of the skip columns to its left, else it was packed before. A B that
// lies row by row is read in place where few rows of A use it.
func (t *gemmF32Task) operandB(buf *gemmF32Buffers, j, cols, p, depth, skip, rows int, fresh bool) (b []float32, brs int) {
	if t.op != NT && rows < gemmPackRows {
		return t.b[p*t.ldb+j:], t.ldb
	}
	buf.b = grow(buf.b, gemmDepth*min(roundUp(t.partCols, 16), gemmCols))
	b, brs = buf.b[skip*depth:], roundUp(cols, min(16, t.kernel.NR))
	if fresh {
		if t.op == NT {
			packTransposed(b, brs, t.b[j*t.ldb+p:], t.ldb, cols, depth)
		} else {
			packRows(b, brs, t.b[p*t.ldb+j:], t.ldb, cols, depth)
		}
	}
	return b, brs
}
