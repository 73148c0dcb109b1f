// Package checkpoint reads and writes the files of a Hugging Face model folder:
// safetensors weights, whole or sharded, and JSON configuration. It knows
// nothing of the model the files belong to.
//
// Nothing in a file is trusted. Every length, offset, shape and name is checked
// against the others and against the real size of the file before memory is
// taken for it, and what is wrong is reported with the file, the tensor, the
// value found and the value wanted. Files are written whole or not at all: a
// temporary file beside the target is synced and then renamed over it.
package checkpoint

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/nlpodyssey/safetensors"
)

// Names of the files of a Hugging Face model folder.
const (
	WeightsFile = "model.safetensors"            // all weights in one file
	IndexFile   = "model.safetensors.index.json" // names the shards where weights are spread over several
)

// Tensor is one entry of a safetensors file, row by row. Exactly one slice is
// non-nil and has as many elements as the product of Shape; a nil or empty
// Shape is a scalar. The stored types F32, F16 and BF16 are read as float32,
// exactly and with the bits of NaNs kept.
type Tensor struct {
	Shape []int
	F32   []float32
	I8    []int8
	U8    []uint8
	I32   []int32
	I64   []int64

	// Half says that F32 is to be stored as BF16, rounded half to even; reading
	// does not set it.
	Half bool
}

// File is the content of a safetensors file.
type File struct {
	Tensors  map[string]Tensor
	Metadata map[string]string // free text, such as "format": "pt"
}

// Names returns the names of the tensors in alphabetical order.
func (f *File) Names() []string {
	return slices.Sorted(maps.Keys(f.Tensors))
}

// F32 returns the elements of a float tensor of the given shape. The slice is
// the file's own, not a copy.
func (f *File) F32(name string, shape ...int) ([]float32, error) {
	t, ok := f.Tensors[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q: not found among %d tensors, want shape %v", name, len(f.Tensors), shape)
	}
	if t.F32 == nil {
		return nil, fmt.Errorf("tensor %q: found %s elements, want F32", name, t.typeName())
	}
	if !slices.Equal(t.Shape, shape) {
		return nil, fmt.Errorf("tensor %q: found shape %v, want %v", name, t.Shape, shape)
	}
	return t.F32, nil
}

// typeName names the kinds of elements present, for errors.
func (t Tensor) typeName() string {
	dtype, _, err := t.elements()
	if err != nil {
		return "no"
	}
	return dtype.String()
}

// elements returns the type and the number of the elements, or an error where
// not exactly one slice is non-nil.
func (t Tensor) elements() (dtype safetensors.DType, n int, err error) {
	kinds := 0
	if t.F32 != nil {
		dtype, n, kinds = safetensors.F32, len(t.F32), kinds+1
		if t.Half {
			dtype = safetensors.BF16
		}
	}
	if t.I8 != nil {
		dtype, n, kinds = safetensors.I8, len(t.I8), kinds+1
	}
	if t.U8 != nil {
		dtype, n, kinds = safetensors.U8, len(t.U8), kinds+1
	}
	if t.I32 != nil {
		dtype, n, kinds = safetensors.I32, len(t.I32), kinds+1
	}
	if t.I64 != nil {
		dtype, n, kinds = safetensors.I64, len(t.I64), kinds+1
	}
	if kinds != 1 {
		return 0, 0, fmt.Errorf("found %d kinds of elements, want exactly one of F32, I8, U8, I32, I64", kinds)
	}
	return dtype, n, nil
}

// elementCount is the product of shape. It reports false where a dimension is
// negative or the product exceeds an int, even if another dimension is zero.
func elementCount[T int | uint64](shape []T) (int64, bool) {
	product, empty := int64(1), false
	for _, d := range shape {
		switch {
		case d < 0 || uint64(d) > math.MaxInt:
			return 0, false
		case d == 0:
			empty = true
		case int64(d) > math.MaxInt/product:
			return 0, false
		default:
			product *= int64(d)
		}
	}
	if empty {
		return 0, true
	}
	return product, true
}
