package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// checkLevels asserts that the levels of a row are those of the numbers want,
// but where a number lies so near to the midpoint of two levels that the
// tolerance, in levels, may move it to the other.
func checkLevels(t *testing.T, got []byte, signed bool, z Quantizer, want []float64, tolerance float64) {
	t.Helper()
	for i, b := range got {
		q := float64(b)
		if signed {
			q = float64(int8(b))
		}
		v := min(max(want[i]/float64(z.Scale)+float64(z.ZeroPoint), float64(z.Low)), float64(z.High))
		if !(math.Abs(q-v) <= 0.5+tolerance) {
			t.Fatalf("level %d of %d is %v, want %v (%v)", i, len(got), q, v, want[i])
		}
	}
}

// softmaxShape is rows of scores with a quantizer.
type softmaxShape struct {
	rows, cols, valid, ldx, ldq int
	z                           Quantizer
}

func softmaxShapes() []softmaxShape {
	var shapes []softmaxShape
	for i, valid := range rowSizes {
		z := []Quantizer{{Scale: 1.0 / 255}, {Scale: 1.0 / 127, High: 127}, {Scale: 0.003, ZeroPoint: 5, Low: 1, High: 250}}[i%3]
		shapes = append(shapes, softmaxShape{3, valid + 7*(i%3), valid, valid + i%2, valid + 7*(i%3) + 2*(i%2), z})
	}
	return append(shapes, softmaxShape{3, 40, 0, 3, 41, Quantizer{Scale: 1, ZeroPoint: 9}})
}

// run places the operands, calls f, and checks what must not change. f returns
// the numbers that each row should give.
func (s softmaxShape) run(t *testing.T, f func(place int, q []byte) [][]float64) {
	t.Helper()
	for place := range placements {
		n := max(0, (s.rows-1)*s.ldq+s.cols)
		q := bytePlacements[place](t, n)
		for i := range q {
			q[i] = 0x5a
		}
		for i, want := range f(place, q) {
			row := q[i*s.ldq:]
			if s.cols > 0 {
				checkLevels(t, row[:s.valid], false, s.z.resolved(0, 255), want, 1e-3)
			}
			for j := s.valid; j < min(s.ldq, len(row)); j++ {
				if want := byte(s.z.ZeroPoint); j < s.cols && row[j] != want || j >= s.cols && row[j] != 0x5a {
					t.Fatalf("%+v: byte %d of row %d is %d", s, j, i, row[j])
				}
			}
		}
	}
}

func TestSoftmaxQ8(t *testing.T) {
	rowLevels(t, "softmax_q8", func(t *testing.T) {
		for _, s := range softmaxShapes() {
			s.run(t, func(place int, q []byte) [][]float64 {
				r := rand.New(rand.NewPCG(uint64(s.cols), 27))
				x := fill(r, 3, placements[place].place(t, max(0, (s.rows-1)*s.ldx+s.valid)))
				unchanged := frozen(t, x)
				SoftmaxQ8(s.rows, s.cols, s.valid, x, s.ldx, s.z, q, s.ldq)
				unchanged()
				want := make([][]float64, s.rows)
				for i := range want {
					if s.valid > 0 {
						want[i] = softmaxOf(doubles(x[i*s.ldx:][:s.valid]))
					}
				}
				return want
			})
		}
	})
}

func TestSoftmaxInt32Q8(t *testing.T) {
	const scale = 0.01
	rowLevels(t, "softmax_q8", func(t *testing.T) {
		for _, s := range softmaxShapes() {
			for _, masked := range []bool{false, true} {
				s.run(t, func(place int, q []byte) [][]float64 {
					r := rand.New(rand.NewPCG(uint64(s.cols), 28))
					x := guarded[int32](t, max(0, (s.rows-1)*s.ldx+s.valid))
					for i := range x {
						x[i] = int32(300 * r.NormFloat64())
					}
					var mask []float32
					if masked {
						mask = fill(r, 1, placements[place].place(t, s.valid))
						for i := 1; i < len(mask); i += 3 {
							mask[i] = -math.MaxFloat32
						}
					}
					before, unchanged := slices.Clone(x), frozen(t, mask)
					SoftmaxInt32Q8(s.rows, s.cols, s.valid, x, s.ldx, scale, mask, s.z, q, s.ldq)
					unchanged()
					if !slices.Equal(x, before) {
						t.Fatal("the scores have changed")
					}
					want := make([][]float64, s.rows)
					for i := range want {
						row := make([]float64, s.valid)
						for j := range row {
							row[j] = float64(x[i*s.ldx+j]) * scale
							if masked {
								row[j] += float64(mask[j])
							}
						}
						if s.valid > 0 {
							want[i] = softmaxOf(row)
						}
					}
					return want
				})
			}
		}
	})
}

func TestSoftmaxQ8Special(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	z := Quantizer{Scale: 1.0 / 200, ZeroPoint: 10, Low: 3, High: 250}
	rowLevels(t, "softmax_q8", func(t *testing.T) {
		for _, valid := range []int{1, 5, 16, 40} {
			x, q := make([]float32, valid), make([]uint8, valid+3)
			check := func(what string, first, last uint8) {
				t.Helper()
				SoftmaxQ8(1, valid+3, valid, x, valid, z, q, valid+3)
				for j, v := range q {
					want := first
					switch {
					case j >= valid:
						want = 10
					case j == valid-1:
						want = last
					}
					if v != want {
						t.Errorf("%s, %d columns: level %d is %d, want %d", what, valid, j, v, want)
					}
				}
			}
			for i := range x {
				x[i] = -inf
			}
			check("all masked", 10, 10)
			x[valid-1] = -1e30
			check("one left", 10, 210)
			x[valid-1] = nan
			check("NaN", 3, 3)
			x[valid-1] = inf
			check("+Inf", 3, 3)
		}
	})
}

// FuzzSoftmaxQ8 compares every instruction set with the generic kernel.
func FuzzSoftmaxQ8(f *testing.F) {
	f.Add(uint64(1), uint8(40), float32(0.1), false)
	f.Add(uint64(2), uint8(200), float32(1e30), true)
	f.Fuzz(func(t *testing.T, seed uint64, n uint8, scale float32, masked bool) {
		r := rand.New(rand.NewPCG(seed, 29))
		const rows = 2
		cols := int(n) + 3
		x, acc := numbersWith(r, 5, make([]float32, rows*int(n))), make([]int32, rows*int(n))
		for i := range acc {
			acc[i] = int32(r.Uint32()) >> r.IntN(32)
		}
		var mask []float32
		if masked {
			mask = fill(r, 5, make([]float32, n))
		}
		z := Quantizer{Scale: 1.0 / 255, Low: 1, High: 240, ZeroPoint: 4}
		top := level
		defer setLevel(top)
		var want [2][]uint8
		for _, k := range softmaxQ8Family.kernels() {
			if k.missing() != "" || k.ISA > top {
				continue
			}
			setLevel(k.ISA)
			got := [2][]uint8{make([]uint8, rows*cols), make([]uint8, rows*cols)}
			SoftmaxQ8(rows, cols, int(n), x, int(n), z, got[0], cols)
			SoftmaxInt32Q8(rows, cols, int(n), acc, int(n), scale, mask, z, got[1], cols)
			if k.ISA == Generic {
				want = got
			} else if !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
				t.Fatalf("%s: %v, generic %v", k.Name, got, want)
			}
		}
	})
}
