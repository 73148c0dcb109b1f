package jpqd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// CompressedFile is the name of [Compressed.Save]'s file in the folder of a run.
const CompressedFile = "compressed.safetensors"

// A file of a Compressed is a safetensors file. Its metadata are
//
//	format   "jpqd.compressed"
//	version  "1"
//	config   the text of config.json, of the uncompressed model
//	ranges   {"layers.0.query.input": {"low": -1, "high": 2, "levels": 256, "symmetric": false}, …}
//
// Its tensors have the names that visitParts tells: the ids of heads and neurons
// as I32, vectors as F32, and of every matrix
//
//	NAME.weight       F32 or I8 (rows, cols), or in its place
//	NAME.blocks       F32 or I8: the elements of the blocks that are not zero
//	NAME.block_index  I32: which blocks these are, ascending
//	NAME.scale        F32 (rows), with I8
//	NAME.zero         I8 (rows), with I8 where a zero point is not 0
const (
	compressedFormat  = "jpqd.compressed"
	compressedVersion = "1"

	weightSuffix     = ".weight"
	blocksSuffix     = ".blocks"
	blockIndexSuffix = ".block_index"
	scaleSuffix      = ".scale"
	zeroSuffix       = ".zero"
)

// rangeJSON is an entry of the metadata "ranges".
type rangeJSON struct {
	Low       float32 `json:"low"`
	High      float32 `json:"high"`
	Levels    int     `json:"levels"`
	Symmetric bool    `json:"symmetric"`
}

// Save writes the model as one safetensors file with its configuration in the
// metadata, replacing path as a whole or not at all. The same model gives the
// same bytes. A matrix of which enough 32×32 blocks are zero is written as the
// others.
func (c *Compressed) Save(path string) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	config, err := json.Marshal(c.Config)
	if err != nil {
		return fmt.Errorf("%s: config: %w", path, err)
	}
	w := &partWriter{tensors: map[string]checkpoint.Tensor{}, ranges: map[string]rangeJSON{}}
	visitParts(c, w)
	ranges, err := json.Marshal(w.ranges)
	if err != nil {
		return fmt.Errorf("%s: ranges: %w", path, err)
	}
	return checkpoint.Write(path, &checkpoint.File{Tensors: w.tensors, Metadata: map[string]string{
		"format": compressedFormat, "version": compressedVersion, "config": string(config), "ranges": string(ranges),
	}})
}

// partWriter turns parts into tensors and ranges.
type partWriter struct {
	tensors map[string]checkpoint.Tensor
	ranges  map[string]rangeJSON
}

func (w *partWriter) ids(name string, v *[]int) {
	ids := make([]int32, len(*v))
	for i, id := range *v {
		ids[i] = int32(id)
	}
	w.tensors[name] = checkpoint.Tensor{Shape: []int{len(ids)}, I32: ids}
}

func (w *partWriter) vector(name string, v *[]float32, _ int) {
	if len(*v) > 0 {
		w.tensors[name] = checkpoint.Tensor{Shape: []int{len(*v)}, F32: *v}
	}
}

func (w *partWriter) optional(name string, v *[]float32, n int) { w.vector(name, v, n) }

func (w *partWriter) activation(name string, r **ActivationRange) {
	if *r != nil {
		w.ranges[name] = rangeJSON(**r)
	}
}

func (w *partWriter) matrix(name string, m *CompressedMatrix, rows, cols int) {
	index, floats, integers := m.blocks()
	values := len(floats) + len(integers)
	if (blockGrid{rows, cols}).worthwhile(len(index), values, m.elementSize(), 4*len(m.Scale)+len(m.Zero)) {
		w.tensors[name+blocksSuffix] = checkpoint.Tensor{Shape: []int{values}, F32: floats, I8: integers}
		w.tensors[name+blockIndexSuffix] = checkpoint.Tensor{Shape: []int{len(index)}, I32: index}
	} else if m.I8 == nil {
		w.tensors[name+weightSuffix] = checkpoint.Tensor{Shape: []int{rows, cols}, F32: notNil(m.F32)}
	} else {
		w.tensors[name+weightSuffix] = checkpoint.Tensor{Shape: []int{rows, cols}, I8: m.I8}
	}
	if m.I8 == nil {
		return
	}
	w.tensors[name+scaleSuffix] = checkpoint.Tensor{Shape: []int{len(m.Scale)}, F32: notNil(m.Scale)}
	if m.Zero != nil {
		w.tensors[name+zeroSuffix] = checkpoint.Tensor{Shape: []int{len(m.Zero)}, I8: m.Zero}
	}
}

// notNil is x, empty in place of nil: a tensor has elements, if none.
func notNil(x []float32) []float32 {
	if x == nil {
		return []float32{}
	}
	return x
}

// LoadCompressed reads a file of [Compressed.Save] and validates the model.
// Nothing in the file is trusted: memory is taken in proportion to its size, and
// what is wrong is reported with the tensor or part, the value found and the one
// wanted.
func LoadCompressed(path string) (*Compressed, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	c, err := compressedFrom(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func compressedFrom(f *checkpoint.File) (*Compressed, error) {
	if format := f.Metadata["format"]; format != compressedFormat {
		return nil, fmt.Errorf("metadata: format: found %.40q, want %q, a file of a compressed model", format, compressedFormat)
	}
	if version := f.Metadata["version"]; version != compressedVersion {
		return nil, fmt.Errorf("metadata: version: found %.40q, want %q", version, compressedVersion)
	}
	config, err := bert.ParseConfig([]byte(f.Metadata["config"]))
	if err != nil {
		return nil, fmt.Errorf("metadata: config: %w", err)
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("metadata: config: %w", err)
	}
	r := &partReader{tensors: maps.Clone(f.Tensors)}
	if r.ranges, err = parseRanges(f.Metadata["ranges"]); err != nil {
		return nil, fmt.Errorf("metadata: ranges: %w", err)
	}
	c := &Compressed{Config: config, Layers: make([]CompressedLayer, config.NumHiddenLayers)}
	visitParts(c, r)
	if r.err != nil {
		return nil, r.err
	}
	if len(r.tensors) > 0 {
		return nil, fmt.Errorf("tensor %.100q: found, want only those of the model that config describes", slices.Min(slices.Collect(maps.Keys(r.tensors))))
	}
	if len(r.ranges) > 0 {
		return nil, fmt.Errorf("metadata: ranges: %.100q: found, want only those of the model that config describes", slices.Min(slices.Collect(maps.Keys(r.ranges))))
	}
	return c, c.Validate()
}

// parseRanges reads the metadata "ranges".
func parseRanges(text string) (map[string]rangeJSON, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var ranges map[string]rangeJSON
	if err := dec.Decode(&ranges); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("found more behind the object, want its end")
	}
	return ranges, nil
}

// partReader fills parts from tensors and ranges, and takes out those that it
// has used. It keeps the first error.
type partReader struct {
	tensors map[string]checkpoint.Tensor
	ranges  map[string]rangeJSON
	err     error
}

func (r *partReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take removes a tensor from those that are left. kind says which elements it
// must have, n how many in one dimension; −1: any number.
func (r *partReader) take(name, kind string, n int, has func(*checkpoint.Tensor) bool) (checkpoint.Tensor, bool) {
	t, ok := r.tensors[name]
	switch {
	case r.err != nil:
		return t, false
	case !ok:
		r.fail("tensor %q: not found, want %s", name, kind)
	case !has(&t):
		r.fail("tensor %q: found elements of another type, want %s", name, kind)
	case len(t.Shape) != 1 || n >= 0 && t.Shape[0] != n:
		want := "one dimension"
		if n >= 0 {
			want = fmt.Sprintf("[%d]", n)
		}
		r.fail("tensor %q: found shape %v, want %s", name, t.Shape, want)
	}
	delete(r.tensors, name)
	return t, r.err == nil
}

func isF32(t *checkpoint.Tensor) bool { return t.F32 != nil }
func isI8(t *checkpoint.Tensor) bool  { return t.I8 != nil }
func isI32(t *checkpoint.Tensor) bool { return t.I32 != nil }

func (r *partReader) ids(name string, v *[]int) {
	t, ok := r.take(name, "I32", -1, isI32)
	if !ok {
		return
	}
	*v = make([]int, len(t.I32))
	for i, id := range t.I32 {
		(*v)[i] = int(id)
	}
}

func (r *partReader) vector(name string, v *[]float32, n int) {
	if n == 0 {
		return
	}
	if t, ok := r.take(name, "F32", n, isF32); ok {
		*v = t.F32
	}
}

func (r *partReader) optional(name string, v *[]float32, n int) {
	if _, ok := r.tensors[name]; ok {
		r.vector(name, v, n)
	}
}

func (r *partReader) activation(name string, a **ActivationRange) {
	if found, ok := r.ranges[name]; ok {
		delete(r.ranges, name)
		*a = new(ActivationRange(found))
	}
}

func (r *partReader) matrix(name string, m *CompressedMatrix, rows, cols int) {
	if r.err != nil {
		return
	}
	if _, asBlocks := r.tensors[name+blocksSuffix]; asBlocks {
		r.blocks(name, m, rows, cols)
		return
	}
	t, ok := r.tensors[name+weightSuffix]
	delete(r.tensors, name+weightSuffix)
	switch {
	case !ok:
		r.fail("tensor %q: not found, want shape [%d %d], or %q", name+weightSuffix, rows, cols, name+blocksSuffix)
	case t.F32 == nil && t.I8 == nil:
		r.fail("tensor %q: found elements of another type, want F32 or I8", name+weightSuffix)
	case !slices.Equal(t.Shape, []int{rows, cols}):
		r.fail("tensor %q: found shape %v, want [%d %d]", name+weightSuffix, t.Shape, rows, cols)
	}
	m.Rows, m.Cols, m.F32, m.I8 = rows, cols, t.F32, t.I8
	r.scales(name, m)
}

// scales reads what stands beside integers. A matrix of a block that lost all
// heads or neurons may have none.
func (r *partReader) scales(name string, m *CompressedMatrix) {
	if r.err != nil || m.I8 == nil {
		return
	}
	n := m.Rows
	if m.Cols == 0 {
		n = -1
	}
	t, _ := r.take(name+scaleSuffix, "F32", n, isF32)
	m.Scale = t.F32
	if _, ok := r.tensors[name+zeroSuffix]; ok {
		t, _ := r.take(name+zeroSuffix, "I8", n, isI8)
		m.Zero = t.I8
	}
}

// blocks reads a matrix of which only some blocks are stored.
func (r *partReader) blocks(name string, m *CompressedMatrix, rows, cols int) {
	values, ok := r.take(name+blocksSuffix, "F32 or I8", -1, func(t *checkpoint.Tensor) bool { return isF32(t) || isI8(t) })
	index, ok2 := r.take(name+blockIndexSuffix, "I32", -1, isI32)
	if !ok || !ok2 {
		return
	}
	m.Rows, m.Cols, m.I8 = rows, cols, values.I8
	if r.scales(name, m); r.err != nil {
		return
	}
	g := blockGrid{rows, cols}
	stored := 4*(len(index.I32)+len(values.F32)+len(m.Scale)) + len(values.I8) + len(m.Zero)
	if r.err = g.check(name, index.I32, len(values.F32)+len(values.I8), stored); r.err != nil {
		return
	}
	if values.I8 == nil {
		m.F32 = make([]float32, rows*cols)
		scatter(g, m.F32, index.I32, values.F32)
		return
	}
	m.I8 = make([]int8, rows*cols)
	if m.Zero != nil {
		for i := range m.I8 {
			m.I8[i] = m.Zero[i/cols]
		}
	}
	scatter(g, m.I8, index.I32, values.I8)
}
