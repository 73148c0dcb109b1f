package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// bf16s rounds numbers to BF16.
func bf16s(x []float32) []BF16 {
	y := make([]BF16, len(x))
	for i, v := range x {
		y[i] = ToBF16(v)
	}
	return y
}

// TestToBF16 looks for the nearest of the neighbours in float64.
func TestToBF16(t *testing.T) {
	for _, test := range []struct {
		x    float32
		want BF16
	}{
		{0, 0}, {float32(math.Copysign(0, -1)), 0x8000}, {1, 0x3f80}, {1 + 0x1p-8, 0x3f80}, {1 + 0x3p-8, 0x3f82},
		{1 + 0x1.01p-8, 0x3f81}, {math.MaxFloat32, 0x7f80}, {float32(math.Inf(-1)), 0xff80}, {math.SmallestNonzeroFloat32, 0},
	} {
		if got := ToBF16(test.x); got != test.want {
			t.Errorf("%v: %#x, want %#x", test.x, got, test.want)
		}
	}
	if nan := ToBF16(math.Float32frombits(0x7f800001)); nan.Float32() == nan.Float32() {
		t.Errorf("NaN became %v", nan.Float32())
	}
}

func TestConvertBF16(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, place := range placements {
		for _, n := range []int{0, 1, 7, 8, 15, 16, 17, 33, 100, 40000} {
			x := place.place(t, n)
			for i := range x {
				x[i] = math.Float32frombits(r.Uint32())
			}
			want := bf16s(x)
			y := guarded[BF16](t, n)
			back := guarded[float32](t, n)
			for _, op := range []string{"round_bf16", "expand_bf16"} {
				rowLevels(t, op, func(t *testing.T) {
					RoundBF16(x, y)
					if !slices.Equal(y, want) {
						t.Fatalf("%d elements: %v, want %v", n, y, want)
					}
					ExpandBF16(y, back)
					for i, v := range back {
						if math.Float32bits(v) != uint32(want[i])<<16 {
							t.Fatalf("element %d of %d: %v, want %v", i, n, v, want[i].Float32())
						}
					}
				})
			}
		}
	}
}

// TestGemmBF16 compares every product with float64, within the documented bound.
func TestGemmBF16(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {1, 32, 8}, {5, 7, 3}, {12, 32, 64}, {13, 33, 65}, {17, 50, 100}, {70, 16, 129}, {40, 90, 0}, {0, 3, 3}}
	for _, s := range shapes {
		for _, op := range gemmOps {
			for _, accumulate := range []bool{false, true} {
				p := newProduct(op, s[0], s[1], s[2], 2, 0, randomFloats)
				a, b := bf16s(p.a), bf16s(p.b)
				for i := range p.a {
					p.a[i] = a[i].Float32()
				}
				for i := range p.b {
					p.b[i] = b[i].Float32()
				}
				want, size := p.reference(accumulate)
				t.Run(fmt.Sprintf("%v/%dx%dx%d/%v", op, s[0], s[1], s[2], accumulate), func(t *testing.T) {
					rowLevels(t, "gemm_bf16", func(t *testing.T) {
						c := slices.Clone(p.c)
						GemmBF16(op, p.m, p.n, p.k, a, p.lda, b, p.ldb, c, p.ldc, accumulate)
						bound := float64(p.k+2) * 0x1p-23
						for i, x := range c {
							if e := math.Abs(float64(x) - want[i]); e > bound*size[i] {
								t.Fatalf("c[%d] = %v, want %v (off by %.3g, at most %.3g)", i, x, want[i], e, bound*size[i])
							}
						}
					})
				})
			}
		}
	}
}

// TestGemmBF16Exact: small integers have exact sums in any order.
func TestGemmBF16Exact(t *testing.T) {
	for _, s := range [][3]int{{33, 65, 200}, {100, 100, 64}} {
		for _, op := range gemmOps {
			p := newProduct(op, s[0], s[1], s[2], 1, 0, smallIntegers)
			a, b := bf16s(p.a), bf16s(p.b)
			want, _ := p.reference(true)
			rowLevels(t, "gemm_bf16", func(t *testing.T) {
				c := slices.Clone(p.c)
				GemmBF16(op, p.m, p.n, p.k, a, p.lda, b, p.ldb, c, p.ldc, true)
				for i, x := range c {
					if float64(x) != want[i] {
						t.Fatalf("%v %v: c[%d] = %v, want %v", op, s, i, x, want[i])
					}
				}
			})
		}
	}
}

// TestGemmBiasBF16: small integers have exact sums in any order.
func TestGemmBiasBF16(t *testing.T) {
	for _, s := range [][3]int{{1, 3, 5}, {33, 64, 200}, {30, 65, 17}, {5, 16, 0}, {0, 32, 8}} {
		p := newProduct(NT, s[0], s[1], s[2], 1, 0, smallIntegers)
		bias := make([]float32, p.n)
		for j := range bias {
			bias[j] = float32(j%7 - 3)
		}
		a, b := bf16s(p.a), bf16s(p.b)
		want, _ := p.reference(false)
		rowLevels(t, "gemm_bf16", func(t *testing.T) {
			c := slices.Clone(p.c)
			GemmBiasBF16(p.m, p.n, p.k, a, p.lda, b, p.ldb, bias, c, p.ldc)
			for i := range p.m {
				for j := range p.n {
					if got, want := float64(c[i*p.ldc+j]), want[i*p.ldc+j]+float64(bias[j]); got != want {
						t.Fatalf("%v: c[%d][%d] = %v, want %v", s, i, j, got, want)
					}
				}
			}
		})
	}
	bias, c := make([]float32, 100), make([]float32, 100*100)
	a, b := make([]BF16, 100*100), make([]BF16, 100*100)
	call := func() { GemmBiasBF16(100, 100, 100, a, 100, b, 100, bias, c, 100) }
	call()
	if n := testing.AllocsPerRun(10, call); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestGemmBF16Allocs(t *testing.T) {
	a, b, c := make([]BF16, 100*100), make([]BF16, 100*100), make([]float32, 100*100)
	for _, op := range gemmOps {
		call := func() { GemmBF16(op, 100, 100, 100, a, 100, b, 100, c, 100, true) }
		call()
		if n := testing.AllocsPerRun(10, call); n != 0 {
			t.Errorf("%v: %v allocations a call", op, n)
		}
	}
}

func TestRoundTransposeBF16(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range [][2]int{{0, 5}, {5, 0}, {1, 1}, {1, 16}, {31, 17}, {32, 16}, {33, 40}, {64, 15}, {100, 48}, {700, 130}} {
		rows, cols := s[0], s[1]
		for _, place := range placements {
			x := place.place(t, rows*cols)
			for i := range x {
				x[i] = math.Float32frombits(r.Uint32())
			}
			want, padded := bf16s(x), roundUp(rows, 32)
			ldt := padded + 32
			rowLevels(t, "round_transpose_bf16", func(t *testing.T) {
				y := guarded[BF16](t, rows*cols)
				turned := guarded[BF16](t, max(0, (cols-1)*ldt+padded))
				for i := range turned {
					turned[i] = 7
				}
				RoundTransposeBF16(rows, cols, x, y, turned, ldt)
				if !slices.Equal(y, want) {
					t.Fatalf("%d×%d: %v, want %v", rows, cols, y, want)
				}
				for at, v := range turned {
					i, j := at%ldt, at/ldt
					wanted := BF16(7)
					if i < rows {
						wanted = want[i*cols+j]
					} else if i < padded {
						wanted = 0
					}
					if rows > 0 && v != wanted {
						t.Fatalf("%d×%d: column %d, row %d: %#x, want %#x", rows, cols, j, i, v, wanted)
					}
				}
			})
		}
	}
	for _, c := range []struct {
		x, y, t, ldt int // lengths of a call with a matrix (1, 2)
		want         string
	}{{2, 2, 64, 31, errLDT}, {2, 2, 63, 32, errShortT}, {2, 1, 64, 32, errLength}, {3, 3, 64, 32, errLength}} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%+v: found panic %v", c, got)
				}
			}()
			RoundTransposeBF16(1, 2, make([]float32, c.x), make([]BF16, c.y), make([]BF16, c.t), c.ldt)
		}()
	}
}

// TestPackedPairs: all levels pack a B of two-byte elements alike, reading no more
// than B, and leave nothing of what the memory held before; also padded for AMX.
func TestPackedPairs(t *testing.T) {
	top := level
	defer setLevel(top)
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 31, 32, 33, 48, 64, 100} {
		for _, k := range []int{0, 1, 8, 9, 24, 32, 40, 128} {
			for _, ld := range []int{n, n + 5} {
				b := guarded[BF16](t, max(0, (k-1)*ld+n))
				for i := range b {
					b[i] = BF16(r.Uint32())
				}
				for _, align := range []int{granuleBytes, 64} {
					var want []byte
					for _, l := range []ISA{Generic, AVX2, AVX512} {
						if l > top {
							continue
						}
						setLevel(l)
						p := packed{data: bytes.Repeat([]byte{0x7f}, 1<<16)}
						p.reset(n, k, 2, align)
						p.fill(newSource(NN, unsafe.Pointer(unsafe.SliceData(b)), 2, ld))
						if want == nil {
							want = p.data
						}
						if !bytes.Equal(p.data, want) {
							t.Fatalf("%d×%d, %d apart, padded to %d bytes: %v packs otherwise than pure Go", k, n, ld, align, l)
						}
					}
				}
			}
		}
	}
}
