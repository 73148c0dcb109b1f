package kernels

import (
	"cmp"
	"slices"
	"strings"
)

// Kernel is one line of the registry: an implementation of an operation for
// one level of the ladder.
type Kernel struct {
	Op         string // the operation, "gemm_f32"
	Name       string // operation, level and shape: "gemm_f32_avx512_8x48"
	ISA        ISA    // the level it needs
	Features   string // what else it needs of the CPU, as cpuid spells it: "AVX512BF16"
	MR, NR, KR int    // rows, columns and depth of the register tile; 0 for row operations
}

// missing says why the kernel cannot run on this machine, or "" where it can.
func (k Kernel) missing() string {
	if why := missing[k.ISA]; why != "" {
		return why
	}
	for f := range strings.FieldsSeq(k.Features) {
		if !hasFeature(f) {
			return "the CPU lacks " + f
		}
	}
	return ""
}

// implementation is a registered kernel with its function.
type implementation[F any] struct {
	Kernel
	fn F
}

// family is every implementation of one operation, and the one in use.
type family[F any] struct {
	all []implementation[F]
	use implementation[F]
}

// selector is what the registry knows of a family, whatever its function type.
type selector interface {
	choose(ISA)
	kernels() []Kernel
	selected() Kernel
}

// families holds every operation's family by name; filled by init functions.
var families = map[string]selector{}

// register adds an implementation to a family. It is called from init
// functions, in any order, and keeps the highest one that may run in use.
func register[F any](f *family[F], k Kernel, fn F) {
	if _, ok := families[k.Op]; !ok {
		families[k.Op] = f
	}
	f.all = append(f.all, implementation[F]{k, fn})
	f.choose(level)
}

// choose puts the highest implementation in use that the machine can run and
// whose level is not above limit; none, where there is none.
func (f *family[F]) choose(limit ISA) {
	found := false
	f.use = implementation[F]{}
	for _, im := range f.all {
		if im.ISA <= limit && im.missing() == "" && (!found || im.ISA > f.use.ISA) {
			f.use, found = im, true
		}
	}
}

// at returns the function registered for a level.
func (f *family[F]) at(l ISA) (fn F) {
	for _, im := range f.all {
		if im.ISA == l {
			fn = im.fn
		}
	}
	return fn
}

func (f *family[F]) kernels() []Kernel {
	ks := make([]Kernel, len(f.all))
	for i, im := range f.all {
		ks[i] = im.Kernel
	}
	return ks
}

func (f *family[F]) selected() Kernel { return f.use.Kernel }

// setLevel selects every operation's kernel anew for a level; for tests and
// benchmarks, which run every implementation the machine has.
func setLevel(l ISA) {
	level = l
	for _, f := range families {
		f.choose(l)
	}
}

// Selected is the kernel that op runs on in this process. It panics for an
// operation the registry does not hold.
func Selected(op string) Kernel {
	f, ok := families[op]
	if !ok {
		panic("kernels: no such operation: " + op)
	}
	return f.selected()
}

// Registry lists every kernel of this build, by operation and level.
func Registry() []Kernel {
	var all []Kernel
	for _, f := range families {
		all = append(all, f.kernels()...)
	}
	slices.SortFunc(all, func(a, b Kernel) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.ISA, b.ISA), cmp.Compare(a.Name, b.Name))
	})
	return all
}
