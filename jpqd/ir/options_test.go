package ir

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// In f16 every weight and bias is the f32 one rounded, marked as compressed,
// and what quantizers and normalisations hold is as before.
func TestPrecision(t *testing.T) {
	for _, name := range []string{"float pruned", "int8 everywhere", "int8 empty blocks", "float DistilBERT"} {
		c := testmodel.Named(name, 1)
		full := write(t, c, Options{Precision: F32})
		half := write(t, c, Options{Precision: F16})
		want := map[string][]byte{}
		for _, l := range full.net.Layers {
			if l.Type == "Const" && l.attribute("element_type") == "f32" {
				want[l.Name] = full.constant(t, &l)
			}
		}
		floats, halves, converts := 0, 0, 0
		for _, l := range half.net.Layers {
			if l.Marks != nil && l.Type == "Convert" && l.Marks.Attributes[0] == (xmlMark{"decompression", "0"}) {
				converts++
			}
			if l.Type != "Const" {
				continue
			}
			data, layer := half.constant(t, &l), strings.TrimSuffix(l.Name, "/compressed")
			switch l.attribute("element_type") {
			case "f16":
				halves++
				for i := range len(data) / 2 {
					x := math.Float32frombits(binary.LittleEndian.Uint32(want[layer][4*i:]))
					if got := binary.LittleEndian.Uint16(data[2*i:]); got != floatToHalf(x) {
						t.Fatalf("%s: %s: element %d: found %#04x for %v", name, layer, i, got, x)
					}
				}
			case "f32":
				floats++
				if string(data) != string(want[layer]) {
					t.Errorf("%s: %s changed", name, layer)
				}
				if strings.HasSuffix(layer, ".bias") && !strings.Contains(strings.ToLower(layer), "norm") {
					t.Errorf("%s: %s is in f32", name, layer)
				}
			}
		}
		if halves == 0 || converts != halves || floats+halves != len(want) {
			t.Errorf("%s: found %d constants in f16, %d marks and %d constants in f32, want %d in all", name, halves, converts, floats, len(want))
		}
		if float32Weights := name[0] == 'f'; float32Weights && len(half.bin) > len(full.bin)*6/10 {
			t.Errorf("%s: found %d bytes in f16, %d in f32", name, len(half.bin), len(full.bin))
		}
	}
}

// A value that f16 would make infinite stays as it is.
func TestPrecisionKeepsLargeValues(t *testing.T) {
	c := testmodel.Named("float", 1)
	c.Layers[0].FFNIn.Bias[3] = -7e4
	w := write(t, c, Options{Precision: F16})
	for _, l := range w.net.Layers {
		if l.Name == "bert.encoder.layer.0.intermediate.dense.bias" && l.attribute("element_type") != "f32" {
			t.Errorf("found %s %s for a bias of −70000, want f32", l.Type, l.attribute("element_type"))
		}
	}
}

func TestFixedSizes(t *testing.T) {
	c := testmodel.Named("int8 pruned", 1)
	dir := t.TempDir()
	if err := Write(dir, c, Options{Batch: 2, Sequence: 5}); err != nil {
		t.Fatal(err)
	}
	w := readWritten(t, dir)
	for _, l := range w.net.Layers {
		if l.Type == "Parameter" && l.attribute("shape") != "2,5" {
			t.Errorf("%s: found shape %s, want 2,5", l.Name, l.attribute("shape"))
		}
		if l.Type != "Result" && slices.Contains(l.Output.Ports[0].Dims, "-1") {
			t.Errorf("%s: found the open dims %v", l.Name, l.Output.Ports[0].Dims)
		}
		if l.Type == "SoftMax" {
			if dims := l.Output.Ports[0].Dims; dims[0] != "2" || dims[2] != "5" || dims[3] != "5" {
				t.Errorf("%s: found dims %v", l.Name, dims)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	a, b := randomSequence(r, c, 5), randomSequence(r, c, 3)
	fixed := sequenceLogits(t, readFolder(t, dir), a, b)
	open := sequenceLogits(t, writeAndRead(t, c), a, b)
	for i := range fixed {
		for j, x := range fixed[i] {
			if x != open[i][j] {
				t.Errorf("sequence %d: logits %v with fixed sizes, %v with open ones", i, fixed[i], open[i])
			}
		}
	}
	if _, err := readFolder(t, dir).Run(batch(a)); err == nil {
		t.Error("found no error for a batch of 1 in place of 2")
	}
}

// A batch of another size than the fixed one runs in parts.
func TestLogitsOfFixedBatch(t *testing.T) {
	for _, name := range []string{"int8 pruned", "float answering"} {
		c := testmodel.Named(name, 1)
		dir := t.TempDir()
		if err := Write(dir, c, Options{Batch: 2}); err != nil {
			t.Fatal(err)
		}
		b, r := &bert.Batch{}, rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{5, 3, 4} {
			s := randomSequence(r, c, n)
			b.Append(narrow(s.ids), narrow(s.types))
		}
		got, err := readFolder(t, dir).Logits(b)
		if err != nil {
			t.Fatal(err)
		}
		want, err := writeAndRead(t, c).Logits(b)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: found logits %v, want %v", name, got, want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Precision: BF16}, `precision of the IR: found "bf16", want f32 or f16`},
		{Options{Batch: -1}, "batch of the IR: found -1"},
		{Options{Sequence: 13}, "sequence length of the IR: found 13, want 1 to " + strconv.Itoa(12)},
	} {
		if err := Write(t.TempDir(), testmodel.Named("int8", 1), test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("found error %v, want %q", err, test.want)
		}
	}
}
