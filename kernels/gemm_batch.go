package kernels

import (
	"runtime"
	"unsafe"
)

// Batch says where the operands of the products of a batch lie: product (x, y),
// x < Outer and y < Inner, takes its A from a[x*A[0]+y*A[1]:], its B from
// b[x*B[0]+y*B[1]:] and writes its C to c[x*C[0]+y*C[1]:]. For attention Outer
// counts sequences and Inner heads.
type Batch struct {
	Outer, Inner int
	A, B, C      [2]int // strides in elements
}

// end is the start of the last product's operand in a slice of length have, or
// a number above have where it lies behind that. It divides, as tooShort does.
func (x *Batch) end(strides [2]int, have int) int {
	end := 0
	for i, n := range [2]int{x.Outer, x.Inner} {
		if n > 1 && strides[i] > (have-end)/(n-1) {
			return have + 1
		}
		end += (n - 1) * strides[i]
	}
	return end
}

// check panics on what cannot be.
func (x *Batch) check() {
	for _, s := range [][2]int{x.A, x.B, x.C} {
		if x.Outer < 0 || x.Inner < 0 || s[0] < 0 || s[1] < 0 {
			panic(errBatch)
		}
	}
}

// batchItem is the packed B of one product, and the task on it.
type batchItem struct {
	b    PackedInt8
	task packedTask
}

var batchItems freeList[batchItem]

// batchTask is a batch of products, a part each.
type batchTask struct {
	shape      packed // of B, for the checks
	batch      Batch
	op         GemmOp
	n, k       int
	b          unsafe.Pointer
	ldb        int
	sizeC      int // bytes of an element of C
	task       packedTask
	unsignedA  bool
	itemsShare int // products a part
}

var batchTasks freeList[batchTask]

// GemmInt8Batch multiplies matrices whose B is packed on the way, as attention
// does with keys (NT) and values (NN):
//
//	for x := range batch.Outer {
//		for y := range batch.Inner {
//			GemmInt8(m, A(x,y), lda, PackInt8(op, n, k, B(x,y), ldb), C(x,y), ldc, e)
//		}
//	}
//
// The epilogue is the same for all; a Residual is not allowed. Products are
// shared among threads whole, so the C of one must not overlap the C of another.
func GemmInt8Batch[A Integer8, C int32 | float32 | uint8 | int8](batch Batch, op GemmOp, m, n, k int, a []A, lda int, b []int8, ldb int, c []C, ldc int, e *Epilogue) {
	batch.check()
	if batch.Outer == 0 || batch.Inner == 0 {
		return
	}
	if e != nil && e.Residual != nil {
		panic(errEpilogue)
	}
	endA, endB, endC := batch.end(batch.A, len(a)), batch.end(batch.B, len(b)), batch.end(batch.C, len(c))
	switch {
	case m < 0 || n < 0 || k < 0:
		panic(errNegative)
	case len(a) < endA && m > 0 && k > 0:
		panic(errShortA)
	case len(b) < endB && n > 0 && k > 0:
		panic(errShortB)
	case len(c) < endC && m > 0 && n > 0:
		panic(errShortC)
	}
	checkPacking(op, n, k, len(b)-min(endB, len(b)), ldb)
	if k == 0 {
		batch.A, batch.B = [2]int{}, [2]int{}
	}
	u := batchTasks.get()
	defer u.put()
	u.shape = packed{n: n, k: k}
	t := newPackedTask(&u.shape, m, a[min(endA, len(a)):], lda, c[min(endC, len(c)):], ldc, e, true)
	if t == nil {
		return
	}
	*u = batchTask{
		batch: batch, op: op, n: n, k: k, b: unsafe.Pointer(unsafe.SliceData(b)), ldb: ldb,
		sizeC: int(unsafe.Sizeof(*new(C))), task: *t, unsignedA: ^A(0) > 0, itemsShare: 1,
	}
	u.task.a, u.task.c = unsafe.Pointer(unsafe.SliceData(a)), unsafe.Pointer(unsafe.SliceData(c))
	u.task.lenA = len(a)
	*t = packedTask{}
	packedTasks.put(t)
	items := batch.Outer * batch.Inner
	if words := m * n * k / 4; words*items < 2*packedShare || runtime.GOMAXPROCS(0) == 1 {
		u.itemsShare = items
	}
	Parallel(ceilDiv(items, u.itemsShare), u)
}

// put gives the task back.
func (u *batchTask) put() {
	*u = batchTask{}
	batchTasks.put(u)
}

// Run does the i-th group of products.
func (u *batchTask) Run(i int) {
	w := batchItems.get()
	for item := i * u.itemsShare; item < min((i+1)*u.itemsShare, u.batch.Outer*u.batch.Inner); item++ {
		x, y := item/u.batch.Inner, item%u.batch.Inner
		w.b.pack(u.op, u.n, u.k, unsafe.Add(u.b, x*u.batch.B[0]+y*u.batch.B[1]), u.ldb, u.task.e.ZeroA != 0 || !u.unsignedA)
		t := &w.task
		*t = u.task
		t.p = &w.b.packed
		at := x*u.batch.A[0] + y*u.batch.A[1]
		t.a, t.lenA = unsafe.Add(t.a, at), t.lenA-at
		t.c = unsafe.Add(t.c, (x*u.batch.C[0]+y*u.batch.C[1])*u.sizeC)
		w.b.choose(t, u.unsignedA)
		t.direct = t.direct && t.p.fullRows
		s := newStrip()
		t.rows(s, 0, t.m, t.p.panels)
		s.put()
	}
	w.task = packedTask{}
	batchItems.put(w)
}
