package jpqd

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// partFiller fills a model's parts with random values, some blocks with zeros.
type partFiller struct {
	rng               *rand.Rand
	heads, neurons    int // bounds of how many are kept
	quantized, zeroed float64
}

func (f *partFiller) ids(name string, v *[]int) {
	all := f.neurons
	if strings.HasSuffix(name, "heads") {
		all = f.heads
	}
	kept := f.rng.IntN(all + 1)
	*v = []int{}
	for id := range all {
		if f.rng.IntN(all-id) < kept-len(*v) {
			*v = append(*v, id)
		}
	}
}

func (f *partFiller) vector(name string, v *[]float32, n int) {
	if n < 0 {
		n = 1 + f.rng.IntN(4)
	}
	*v = f.floats(n)
}

func (f *partFiller) optional(string, *[]float32, int) {}

// smooth gives the Linears with quantizers factors of their inputs' columns, or not.
func (f *partFiller) smooth(c *Compressed) {
	linears := []*CompressedLinear{&c.Pooler, &c.Classifier}
	for i := range c.Layers {
		l := &c.Layers[i]
		linears = append(linears, &l.Query, &l.Key, &l.Value, &l.FFNIn, &l.FFNOut)
	}
	for _, l := range linears {
		if l.Input != nil && f.rng.IntN(2) == 0 {
			l.Smooth = f.floats(l.Weight.Cols)
		}
	}
}

// floats are of any size and sign, −0 among them.
func (f *partFiller) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		if x[i] = float32(math.Ldexp(f.rng.NormFloat64(), f.rng.IntN(40)-20)); f.rng.IntN(16) == 0 {
			x[i] = float32(math.Copysign(0, -1))
		}
	}
	return x
}

func (f *partFiller) activation(_ string, r **ActivationRange) {
	if f.rng.Float64() < f.quantized {
		high := f.rng.Float32() + 0.1
		*r = &ActivationRange{Low: -high * f.rng.Float32(), High: high, Levels: 2 + f.rng.IntN(255), Symmetric: f.rng.IntN(2) == 0}
	}
}

func (f *partFiller) matrix(_ string, m *CompressedMatrix, rows, cols int) {
	m.Rows, m.Cols = rows, cols
	g := blockGrid{rows, cols}
	isZero := make([]bool, g.count())
	share := f.zeroed * f.rng.Float64()
	for i := range isZero {
		isZero[i] = f.rng.Float64() < share
	}
	zero := func(i, j int) bool { return isZero[i/blockSide*g.across()+j/blockSide] }
	if f.rng.Float64() >= f.quantized {
		m.F32 = f.floats(rows * cols)
		for i := range m.F32 {
			if zero(i/cols, i%cols) {
				m.F32[i] = 0
			}
		}
		return
	}
	m.I8, m.Scale = make([]int8, rows*cols), make([]float32, rows)
	if f.rng.IntN(2) == 0 {
		m.Zero = make([]int8, rows)
		for i := range m.Zero {
			m.Zero[i] = int8(f.rng.IntN(256) - 128)
		}
	}
	for i := range m.Scale {
		m.Scale[i] = 0.001 + f.rng.Float32()
	}
	for i := range m.I8 {
		if m.I8[i] = int8(f.rng.IntN(256) - 128); zero(i/cols, i%cols) {
			m.I8[i] = int8(m.ZeroPoint(i / cols))
		}
	}
}

// randomCompressed draws a model of any family, head and shape.
func randomCompressed(tb rapid.TB, seed uint64) *Compressed {
	rng := rand.New(rand.NewPCG(seed, 31))
	family := []string{"bert", "roberta", "distilbert"}[rng.IntN(3)]
	cfg, err := bert.DefaultConfigFor(family)
	if err != nil {
		tb.Fatal(err)
	}
	heads := 1 + rng.IntN(3)
	cfg.HiddenSize, cfg.NumAttentionHeads = heads*(1+rng.IntN(40)), heads
	cfg.VocabSize, cfg.NumHiddenLayers, cfg.IntermediateSize, cfg.MaxPositionEmbeddings = 5+rng.IntN(40), 1+rng.IntN(2), 1+rng.IntN(100), 4+rng.IntN(10)
	cfg.Labels = []string{"a", "“b”"}
	if rng.IntN(2) == 0 {
		cfg.Architecture = strings.Replace(cfg.Architecture, "SequenceClassification", "QuestionAnswering", 1)
	}
	c := &Compressed{Config: cfg, Layers: make([]CompressedLayer, cfg.NumHiddenLayers)}
	filler := &partFiller{rng, heads, cfg.IntermediateSize, []float64{0, 0.5, 1}[rng.IntN(3)], 1.2}
	visitParts(c, filler)
	filler.smooth(c)
	c.Pooler.Bias = c.Pooler.Bias[:min(len(c.Pooler.Bias), cfg.HiddenSize)]
	if !cfg.QuestionAnswering() && c.Pooler.Weight.Rows > cfg.HiddenSize {
		return randomCompressed(tb, seed+1)
	}
	if err := c.Validate(); err != nil {
		tb.Fatal(err)
	}
	return c
}

// sameCompressed compares by bits. That a slice without elements is nil means nothing.
func sameCompressed(a, b *Compressed) string {
	bits := cmp.Comparer(func(a, b []float32) bool {
		return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	})
	integers, ids := cmp.Comparer(slices.Equal[[]int8]), cmp.Comparer(slices.Equal[[]int])
	config := cmp.Comparer(func(a, b bert.Config) bool {
		x, errX := json.Marshal(a)
		y, errY := json.Marshal(b)
		return errX == nil && errY == nil && bytes.Equal(x, y)
	})
	return cmp.Diff(a, b, bits, integers, ids, config)
}

func TestCompressedRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path, again := filepath.Join(dir, CompressedFile), filepath.Join(dir, "again.safetensors")
	blocks, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		want := randomCompressed(t, rapid.Uint64().Draw(t, "seed"))
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := LoadCompressed(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameCompressed(want, got); diff != "" {
			t.Fatalf("(-want +found)\n%s", diff)
		}
		if err := got.Save(again); err != nil {
			t.Fatal(err)
		}
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(again)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("the file of what was read differs from the one that was read: %v, %v", errA, errB)
		}
		f, err := checkpoint.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for name := range f.Tensors {
			if strings.HasSuffix(name, blocksSuffix) {
				blocks++
			}
			all++
		}
	})
	if blocks == 0 || blocks > all/2 {
		t.Errorf("found %d of %d tensors to be blocks, want some", blocks, all)
	}
}

// A trained model with a layer that lost all heads.
func TestCompressedRoundTripTrained(t *testing.T) {
	want, err := compressedTrainer(t, tinyNNCF(t, "")).Compressed()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), CompressedFile)
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadCompressed(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameCompressed(want, got); diff != "" {
		t.Errorf("(-want +found)\n%s", diff)
	}
}

func TestSaveRefuses(t *testing.T) {
	c := randomCompressed(t, 1)
	c.Classifier.Bias[1] = float32(math.NaN())
	path := filepath.Join(t.TempDir(), CompressedFile)
	err := c.Save(path)
	if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), "Classifier.Bias[1]: found NaN") {
		t.Errorf("found %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) > 0 {
		t.Errorf("found %v, want no file", files)
	}
}

// blockModel is a model with a query of 64 × 64, block 2 of 4 kept, and its file.
func blockModel(t testing.TB) *checkpoint.File {
	t.Helper()
	cfg := bert.DefaultConfig()
	cfg.HiddenSize, cfg.NumAttentionHeads, cfg.NumHiddenLayers = 64, 2, 1
	cfg.VocabSize, cfg.IntermediateSize, cfg.MaxPositionEmbeddings = 5, 3, 4
	c := &Compressed{Config: cfg, Layers: make([]CompressedLayer, 1)}
	visitParts(c, &partFiller{rand.New(rand.NewPCG(1, 1)), 2, 3, 1, 0})
	l := &c.Layers[0]
	l.Heads, l.Neurons = []int{0, 1}, []int{1}
	filler := &partFiller{rand.New(rand.NewPCG(2, 2)), 2, 3, 1, 0}
	visitParts(c, keepIDs{filler})
	q := &l.Query.Weight
	q.Zero = nil
	clear(q.I8)
	q.I8[32*64+3] = 9
	path := filepath.Join(t.TempDir(), CompressedFile)
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Tensors["layers.0.query.block_index"]; !slices.Equal(got.I32, []int32{2}) {
		t.Fatalf("found blocks %v, want 2", got.I32)
	}
	return f
}

// keepIDs fills everything but ids, and gives the pooler two rows.
type keepIDs struct{ *partFiller }

func (keepIDs) ids(string, *[]int) {}

func (f keepIDs) vector(name string, v *[]float32, n int) {
	if n < 0 {
		n = 2
	}
	f.partFiller.vector(name, v, n)
}

func TestLoadCompressedRefuses(t *testing.T) {
	i32 := func(v ...int32) checkpoint.Tensor {
		return checkpoint.Tensor{Shape: []int{len(v)}, I32: append([]int32{}, v...)}
	}
	set := func(name string, x checkpoint.Tensor) func(*checkpoint.File) {
		return func(f *checkpoint.File) { f.Tensors[name] = x }
	}
	remove := func(name string) func(*checkpoint.File) {
		return func(f *checkpoint.File) { delete(f.Tensors, name) }
	}
	meta := func(key, from, to string) func(*checkpoint.File) {
		return func(f *checkpoint.File) { f.Metadata[key] = strings.Replace(f.Metadata[key], from, to, 1) }
	}
	for _, test := range []struct {
		name   string
		change func(*checkpoint.File)
		want   string
	}{
		{"another format", meta("format", "jpqd.compressed", "pt"), `metadata: format: found "pt", want "jpqd.compressed"`},
		{"another version", meta("version", "1", "2"), `metadata: version: found "2", want "1"`},
		{"no configuration", func(f *checkpoint.File) { delete(f.Metadata, "config") }, "metadata: config: "},
		{"a configuration without layers", meta("config", `"num_hidden_layers":1`, `"num_hidden_layers":0`), "num_hidden_layers: found 0"},
		{"more layers", meta("config", `"num_hidden_layers":1`, `"num_hidden_layers":2`), `tensor "layers.1.heads": not found, want I32`},
		{"a larger vocabulary", meta("config", `"vocab_size":5`, `"vocab_size":6`), `tensor "embeddings.word.weight": found shape [5 64], want [6 64]`},
		{"broken ranges", meta("ranges", `{`, `[`), "metadata: ranges: "},
		{"more than ranges", func(f *checkpoint.File) { f.Metadata["ranges"] += "{}" }, "metadata: ranges: found more behind the object"},
		{"an unknown range", meta("ranges", `"classifier.input"`, `"classifier.output"`), `metadata: ranges: "classifier.output": found`},
		{"an unknown key of a range", meta("ranges", `"low"`, `"least"`), `unknown field "least"`},
		{"levels", meta("ranges", `"levels":`, `"levels":1000`), "Levels: found 1000"},
		{"no tensor", remove("layers.0.output.bias"), `tensor "layers.0.output.bias": not found, want F32`},
		{"no weight", remove("classifier.weight"), `tensor "classifier.weight": not found, want shape [2 2]`},
		{"no scales", remove("classifier.scale"), `tensor "classifier.scale": not found`},
		{"an unknown tensor", set("x", i32(1)), `tensor "x": found, want only those`},
		{"scales of floats", func(f *checkpoint.File) {
			f.Tensors["classifier.weight"] = checkpoint.Tensor{Shape: []int{2, 2}, F32: make([]float32, 4)}
		}, `tensor "classifier.scale": found, want only those`},
		{"another type", set("classifier.bias", i32(1, 2)), `tensor "classifier.bias": found elements of another type, want F32`},
		{"factors of another length", set("classifier.smooth", checkpoint.Tensor{Shape: []int{3}, F32: make([]float32, 3)}), `tensor "classifier.smooth": found shape [3], want [2]`},
		{"factors of the output", set("layers.0.output.smooth", checkpoint.Tensor{Shape: []int{64}, F32: make([]float32, 64)}), "Layers[0].Output.Smooth: found factors, want them in the rows of Value"},
		{"another length", set("classifier.bias", checkpoint.Tensor{Shape: []int{3}, F32: make([]float32, 3)}), `tensor "classifier.bias": found shape [3], want [2]`},
		{"ids that do not ascend", set("layers.0.heads", i32(1, 0)), "Layers[0].Heads[1]: found 0"},
		{"a block beyond the matrix", set("layers.0.query.block_index", i32(4)), `tensor "layers.0.query.block_index": element 0: found block 4, want 0 to 3`},
		{"a block below 0", set("layers.0.query.block_index", i32(-1)), `element 0: found block -1, want 0 to 3`},
		{"a block twice", set("layers.0.query.block_index", i32(2, 2)), `element 1: found block 2, want 3 to 3`},
		{"too few blocks", set("layers.0.query.block_index", i32()), `tensor "layers.0.query.blocks": found 1024 elements, want 0 in 0 blocks of a matrix of 64 × 64`},
		{"no index", remove("layers.0.query.block_index"), `tensor "layers.0.query.block_index": not found`},
		{"a matrix out of nothing", func(f *checkpoint.File) {
			for _, name := range []string{"weight", "scale", "zero"} {
				delete(f.Tensors, "embeddings.word."+name)
			}
			f.Tensors["embeddings.word.blocks"] = checkpoint.Tensor{Shape: []int{0}, F32: []float32{}}
			f.Tensors["embeddings.word.block_index"] = i32()
		}, `tensor "embeddings.word.block_index": found 0 blocks for a matrix of 5 × 64, want at most 512 elements for each of the 0 bytes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := blockModel(t)
			test.change(f)
			path := filepath.Join(t.TempDir(), "x.safetensors")
			if err := checkpoint.Write(path, f); err != nil {
				t.Fatal(err)
			}
			_, err := LoadCompressed(path)
			if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("found %v, want %s", err, test.want)
			}
		})
	}
}

// FuzzLoadCompressed wants no panic of metadata, ids and blocks of any kind, and
// a model that can be saved where there is no error. What is below that, package
// checkpoint fuzzes.
func FuzzLoadCompressed(f *testing.F) {
	file := blockModel(f)
	f.Add(file.Metadata["config"], file.Metadata["ranges"], []byte{0, 1}, []byte{2}, 1024, "layers.0.query.zero")
	f.Add(file.Metadata["config"], `{}`, []byte{1}, []byte{0, 1, 2, 3}, 4096, "classifier.bias")
	f.Add(strings.Replace(file.Metadata["config"], `"hidden_size":64`, `"hidden_size":65536`, 1), `{}`, []byte{}, []byte{255}, 0, "")
	dir := f.TempDir()
	integers := func(v []byte) checkpoint.Tensor {
		x := checkpoint.Tensor{Shape: []int{len(v)}, I32: make([]int32, len(v))}
		for i, b := range v {
			x.I32[i] = int32(int8(b))
		}
		return x
	}
	f.Fuzz(func(t *testing.T, config, ranges string, heads, index []byte, values int, without string) {
		x := &checkpoint.File{Tensors: maps.Clone(file.Tensors), Metadata: maps.Clone(file.Metadata)}
		x.Metadata["config"], x.Metadata["ranges"] = config, ranges
		x.Tensors["layers.0.heads"], x.Tensors["layers.0.query.block_index"] = integers(heads), integers(index)
		values &= 0xffff
		x.Tensors["layers.0.query.blocks"] = checkpoint.Tensor{Shape: []int{values}, I8: make([]int8, values)}
		delete(x.Tensors, without)
		c, err := compressedFrom(x)
		if err != nil {
			return
		}
		if err := c.Save(filepath.Join(dir, CompressedFile)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSavedConfigKeys keeps keys of config.json that jpqd does not know.
func TestSavedConfigKeys(t *testing.T) {
	cfg, err := bert.ParseConfig([]byte(`{"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6, "max_position_embeddings": 7, "something": [1, "x"]}`))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), CompressedFile)
	if err := compress(bert.New(cfg, 1)).Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Metadata["config"]; !strings.Contains(got, `"something":[1,"x"]`) {
		t.Errorf("found configuration %s", got)
	}
	if keys := slices.Sorted(maps.Keys(f.Metadata)); !slices.Equal(keys, []string{"config", "format", "ranges", "version"}) {
		t.Errorf("found metadata %q", keys)
	}
}
