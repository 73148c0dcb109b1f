package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// panelCall holds the operands of one call of a [panelKernel]: A, the panel and
// C end where a page begins that faults.
type panelCall[C int32 | float32] struct {
	rows, cols, lda int
	offs            []int32
	a, b            []byte
	c               []C
	ldc             int
	from            []C // nil, or what each row of sums begins with
}

func newPanelCall[C int32 | float32](t testing.TB, rows, cols int, offs []int32, from bool) *panelCall[C] {
	width := granuleBytes // of what is read of a row of A
	for _, off := range offs {
		width = max(width, int(off)+granuleBytes)
	}
	p := &panelCall[C]{rows: rows, cols: cols, lda: width + 6*(rows%4), offs: offs, ldc: cols + rows%3*7}
	if from {
		p.from = guarded[C](t, cols)
	}
	p.a = guarded[byte](t, (rows-1)*p.lda+width)
	p.b = guarded[byte](t, len(offs)*granuleWords*cols*4)
	p.c = guarded[C](t, (rows-1)*p.ldc+cols)
	return p
}

func (p *panelCall[C]) call(f panelKernel) {
	f(p.rows, p.cols, unsafe.Pointer(unsafe.SliceData(p.a)), p.lda, p.offs, unsafe.Pointer(unsafe.SliceData(p.b)),
		unsafe.Pointer(unsafe.SliceData(p.c)), p.ldc, unsafe.Pointer(unsafe.SliceData(p.from)))
}

// run calls the kernel on a copy of C and checks that nothing else has changed.
func (p *panelCall[C]) run(t *testing.T, f panelKernel) []C {
	t.Helper()
	a, b, before := slices.Clone(p.a), slices.Clone(p.b), slices.Clone(p.c)
	p.call(f)
	if !slices.Equal(a, p.a) || !slices.Equal(b, p.b) {
		t.Fatalf("%v: an operand has changed", p)
	}
	got := slices.Clone(p.c)
	copy(p.c, before)
	for i, x := range got {
		if i%p.ldc >= p.cols && x != before[i] {
			t.Fatalf("%v: c[%d, %d], outside the panel, has changed", p, i/p.ldc, i%p.ldc)
		}
	}
	return got
}

func (p *panelCall[C]) String() string {
	return fmt.Sprintf("rows=%d cols=%d lda=%d offs=%v ldc=%d from=%v", p.rows, p.cols, p.lda, p.offs, p.ldc, p.from)
}

// words calls f with the places of the words that meet in element (i, j) of C.
func (p *panelCall[C]) words(i, j int, f func(a, b []byte)) {
	for g, off := range p.offs {
		for w := range granuleWords {
			a := i*p.lda + int(off) + 4*w
			b := ((g*granuleWords+w)*p.cols + j) * 4
			f(p.a[a:a+4], p.b[b:b+4])
		}
	}
}

// panelOffs are the lists of granules of the tests, by the length of their runs.
var panelOffs = map[string][]int32{
	"empty":       {},
	"one":         {0},
	"one, later":  {48},
	"singles":     {16, 48, 96, 144, 160},
	"pair":        {32, 48},
	"pairs":       {0, 16, 64, 80, 96, 112, 224, 240},
	"three pairs": {64, 80, 0, 16, 32, 48},
	"six pairs":   {0, 16, 64, 80, 96, 112, 160, 176, 256, 272, 32, 48},
	"seven pairs": {0, 16, 64, 80, 96, 112, 160, 176, 224, 240, 288, 304, 32, 48},
	"odd run":     {0, 16, 32},
	"four":        {0, 16, 32, 48},
	"fours":       {64, 80, 96, 112, 0, 16, 32, 48, 192, 208, 224, 240},
	"nearly four": {0, 16, 32, 48, 64, 80, 96, 128},
	"dense":       {0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176},
}

// panelCalls calls f with operands of every kind.
func panelCalls[C int32 | float32](t *testing.T, f func(t *testing.T, p *panelCall[C])) {
	rows := []int{47, 48, 49, 64, 70}
	for m := 1; m <= 33; m++ {
		rows = append(rows, m)
	}
	if testing.Short() {
		rows = []int{1, 5, 7, 11, 12, 16, 17, 32, 33, 66}
	}
	for name, offs := range panelOffs {
		t.Run(name, func(t *testing.T) {
			for _, cols := range []int{32, 16} {
				for i, m := range rows {
					for _, from := range []bool{false, true} {
						if testing.Short() && from != (i%2 == 0) {
							continue
						}
						f(t, newPanelCall[C](t, m, cols, offs, from))
					}
				}
			}
		})
	}
}

// implementations runs f for each implementation of the family that the machine
// and JPQD_ISA allow.
func implementations[F any](t *testing.T, all *family[F], f func(t *testing.T, fn F)) {
	for _, im := range all.all {
		t.Run(im.Name, func(t *testing.T) {
			if why := im.missing(); why != "" {
				t.Skip(why)
			}
			if im.ISA > level {
				t.Skipf("JPQD_ISA caps the level at %v", level)
			}
			f(t, im.fn)
		})
	}
}

// dotFunc is the sum of products of two words.
type dotFunc func(a, b []byte) int32

func dotUnsigned(a, b []byte) (s int32) {
	for i, x := range a {
		s += int32(x) * int32(int8(b[i]))
	}
	return s
}

func dotSigned(a, b []byte) (s int32) {
	for i, x := range a {
		s += int32(int8(x)) * int32(int8(b[i]))
	}
	return s
}

func dotInt16(a, b []byte) int32 {
	at := func(x []byte) int32 { return int32(int16(binary.NativeEndian.Uint16(x))) }
	return at(a)*at(b) + at(a[2:])*at(b[2:])
}

// checkInt8 compares what f makes of p with the loop of [panelKernel]'s comment.
func checkInt8(t *testing.T, p *panelCall[int32], f panelKernel, dot dotFunc) {
	t.Helper()
	got := p.run(t, f)
	for i := range p.rows {
		for j := range p.cols {
			var want int32
			if p.from != nil {
				want = p.from[j]
			}
			p.words(i, j, func(a, b []byte) { want += dot(a, b) })
			if x := got[i*p.ldc+j]; x != want {
				t.Fatalf("%v: c[%d, %d] = %d, want %d", p, i, j, x, want)
			}
		}
	}
}

// int8Signs runs f for the kernel of unsigned and, if there is one, of signed A,
// or for that of int16.
func int8Signs(t *testing.T, k int8Kernel, f func(t *testing.T, kernel panelKernel, dot dotFunc)) {
	if k.widened {
		t.Run("s16", func(t *testing.T) { f(t, k.u8, dotInt16) })
		return
	}
	t.Run("u8", func(t *testing.T) { f(t, k.u8, dotUnsigned) })
	if k.s8 != nil {
		t.Run("s8", func(t *testing.T) { f(t, k.s8, dotSigned) })
	}
}

func TestPanelInt8(t *testing.T) {
	implementations(t, &gemmInt8Family, func(t *testing.T, k int8Kernel) {
		int8Signs(t, k, func(t *testing.T, kernel panelKernel, dot dotFunc) {
			r := rand.New(rand.NewPCG(1, 2))
			panelCalls(t, func(t *testing.T, p *panelCall[int32]) {
				randomBytes(r, p.a)
				randomBytes(r, p.b)
				for i := range p.c {
					p.c[i] = int32(r.Uint32())
				}
				for i := range p.from {
					p.from[i] = int32(r.Uint32())
				}
				checkInt8(t, p, kernel, dot)
			})
		})
	})
}

// TestPanelInt8Extremes multiplies the largest values of either sign, which
// saturate where an instruction sums up in 16 bits, and sums that wrap around.
func TestPanelInt8Extremes(t *testing.T) {
	implementations(t, &gemmInt8Family, func(t *testing.T, k int8Kernel) {
		int8Signs(t, k, func(t *testing.T, kernel panelKernel, dot dotFunc) {
			for _, offs := range panelOffs {
				for _, x := range []byte{255, 128, 127, 0} {
					for _, y := range []byte{127, 0x80, 0x81, 255} {
						p := newPanelCall[int32](t, 35, 32, offs, true)
						fillWith(p.a, x)
						fillWith(p.b, y)
						fillWith(p.from, math.MaxInt32)
						checkInt8(t, p, kernel, dot)
					}
				}
			}
		})
	})
}

// TestPanelF32 adds up whole numbers, whose sums are exact.
func TestPanelF32(t *testing.T) {
	implementations(t, &gemmPanelF32, func(t *testing.T, kernel panelKernel) {
		r := rand.New(rand.NewPCG(5, 6))
		panelCalls(t, func(t *testing.T, p *panelCall[float32]) {
			whole := func(x []byte) {
				for ; len(x) >= 4; x = x[4:] {
					binary.NativeEndian.PutUint32(x, math.Float32bits(float32(r.IntN(15)-7)))
				}
			}
			fillWith(p.a, 255) // NaN between the rows
			for i := range p.rows {
				whole(p.a[i*p.lda:][:len(p.a)-(p.rows-1)*p.lda])
			}
			whole(p.b)
			for i := range p.c {
				p.c[i] = float32(r.IntN(100))
			}
			for i := range p.from {
				p.from[i] = float32(r.IntN(100))
			}
			got := p.run(t, kernel)
			for i := range p.rows {
				for j := range p.cols {
					var want float64
					if p.from != nil {
						want = float64(p.from[j])
					}
					p.words(i, j, func(a, b []byte) { want += float32At(a) * float32At(b) })
					if x := float64(got[i*p.ldc+j]); x != want {
						t.Fatalf("%v: c[%d, %d] = %v, want %v", p, i, j, x, want)
					}
				}
			}
		})
	})
}

// TestPanelBF16 compares with exact sums: |error| ≤ 2⁻²³ · n · Σ|a||b| for sums
// of n products, each rounded at most once as it is added.
func TestPanelBF16(t *testing.T) {
	implementations(t, &gemmBF16Family, func(t *testing.T, k bf16Kernel) {
		kernel := k.fn
		if k.expanded {
			t.Skip("a word holds a float32")
		}
		r := rand.New(rand.NewPCG(3, 4))
		panelCalls(t, func(t *testing.T, p *panelCall[float32]) {
			randomBF16(r, p.a)
			randomBF16(r, p.b)
			for i := range p.c {
				p.c[i] = float32(r.NormFloat64())
			}
			for i := range p.from {
				p.from[i] = float32(r.NormFloat64())
			}
			got := p.run(t, kernel)
			for i := range p.rows {
				for j := range p.cols {
					var want, size float64
					if p.from != nil {
						want = float64(p.from[j])
						size = math.Abs(want)
					}
					p.words(i, j, func(a, b []byte) {
						for e := 0; e < 4; e += 2 {
							x := bf16At(a[e:]) * bf16At(b[e:])
							want += x
							size += math.Abs(x)
						}
					})
					terms := float64(8*len(p.offs) + 1)
					if x := float64(got[i*p.ldc+j]); !(math.Abs(x-want) <= terms*size*0x1p-23) {
						t.Fatalf("%v: c[%d, %d] = %v, want %v", p, i, j, x, want)
					}
				}
			}
		})
	})
}

// TestPanelAllocs covers what the kernels do in Go before their loops.
func TestPanelAllocs(t *testing.T) {
	implementations(t, &gemmInt8Family, func(t *testing.T, k int8Kernel) {
		int8Signs(t, k, func(t *testing.T, kernel panelKernel, _ dotFunc) { checkAllocs[int32](t, kernel) })
	})
	implementations(t, &gemmPanelF32, func(t *testing.T, kernel panelKernel) { checkAllocs[float32](t, kernel) })
	implementations(t, &gemmBF16Family, func(t *testing.T, k bf16Kernel) { checkAllocs[float32](t, k.fn) })
}

func checkAllocs[C int32 | float32](t *testing.T, kernel panelKernel) {
	t.Helper()
	for _, offs := range panelOffs {
		p := newPanelCall[C](t, 33, 32, offs, false)
		if n := testing.AllocsPerRun(10, func() { p.call(kernel) }); n != 0 {
			t.Errorf("%v: %v allocations a call", p, n)
		}
	}
}

func randomBytes(r *rand.Rand, x []byte) {
	for i := range x {
		x[i] = byte(r.Uint32())
	}
}

// randomBF16 fills x with pairs of bytes that are BF16 of ordinary size.
func randomBF16(r *rand.Rand, x []byte) {
	for i := 0; i+1 < len(x); i += 2 {
		v := math.Float32bits(float32(r.NormFloat64())) >> 16
		x[i], x[i+1] = byte(v), byte(v>>8)
	}
}

// bf16At is the BF16 that x begins with.
func bf16At(x []byte) float64 {
	return float64(math.Float32frombits(uint32(x[0])<<16 | uint32(x[1])<<24))
}

// float32At is the float32 that x is.
func float32At(x []byte) float64 { return float64(math.Float32frombits(binary.NativeEndian.Uint32(x))) }

func fillWith[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}
