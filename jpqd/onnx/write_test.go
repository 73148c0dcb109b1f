package onnx

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

func TestWriteIsDeterministic(t *testing.T) {
	var first []byte
	for i := range 3 {
		dir := t.TempDir()
		if err := Write(dir, testmodel.Named("int8 everywhere", 3), Options{}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, Name))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = data
		} else if !bytes.Equal(data, first) {
			t.Error("the file differs between two writes of one model")
		}
	}
}

func TestWriteLeavesTheModelAlone(t *testing.T) {
	c := testmodel.Named("int8", 1)
	if err := Write(t.TempDir(), c, Options{}); err != nil {
		t.Fatal(err)
	}
	again := testmodel.Named("int8", 1)
	for i := range c.Layers {
		if c.Layers[i].QueryOut.High != again.Layers[i].QueryOut.High || c.Layers[i].Query.Bias[0] != again.Layers[i].Query.Bias[0] ||
			c.Layers[i].Query.Weight.Scale[0] != again.Layers[i].Query.Weight.Scale[0] {
			t.Error("the query projection of the model was scaled, want only that of the file")
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, test := range []struct {
		want    string
		options Options
		change  func(*jpqd.Compressed)
	}{
		{"model for ONNX: compressed model: Layers[0].Query.Bias[2]: found NaN", Options{}, func(c *jpqd.Compressed) { c.Layers[0].Query.Bias[2] = float32(math.NaN()) }},
		{"model for ONNX: compressed model: Layers[0].QueryOut.Levels: found 1", Options{}, func(c *jpqd.Compressed) { c.Layers[0].QueryOut.Levels = 1 }},
		{"model for ONNX: Options.Batch: found -1, want 0 or more sequences", Options{Batch: -1}, nil},
		{"model for ONNX: Options.Sequence: found -1, want 0 to 12 tokens", Options{Sequence: -1}, nil},
		{"model for ONNX: Options.Sequence: found 13, want 0 to 12 tokens", Options{Sequence: 13}, nil},
	} {
		c := testmodel.Named("int8", 1)
		if test.change != nil {
			test.change(c)
		}
		dir := t.TempDir()
		if err := Write(dir, c, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("found error %v, want %q", err, test.want)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%q: found files %v after the error, want none", test.want, files)
		}
	}
}

// gigabyte are elements without memory.
type gigabyte struct{ values[int8] }

func (gigabyte) size() int64            { return 1 << 30 }
func (gigabyte) encode(io.Writer) error { return nil }

func TestTooLarge(t *testing.T) {
	g := newGraph("large")
	g.constant("a", gigabyte{}, 1<<30)
	if _, err := g.pieces(); err != nil {
		t.Fatal(err)
	}
	g.constant("b", gigabyte{}, 1<<30)
	if _, err := g.pieces(); err == nil || !strings.Contains(err.Error(), "want at most 2147483647") {
		t.Errorf("found error %v for two constants of a GiB", err)
	}
}

func TestWriteToNoFolder(t *testing.T) {
	dir := t.TempDir()
	c := testmodel.Named("float", 1)
	if err := Write(filepath.Join(dir, "absent"), c, Options{}); err == nil {
		t.Error("found no error for an absent folder")
	}
	if err := os.Mkdir(filepath.Join(dir, Name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, c, Options{}); err == nil || !strings.Contains(err.Error(), "found a folder") {
		t.Errorf("found error %v, want one about the folder in place of the file", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("found %v, want only the folder", files)
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"float", "int8 pruned"} {
		if err := Write(dir, testmodel.Named(name, 1), Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := operations(readModel(t, filepath.Join(dir, Name)).Graph)["QuantizeLinear"]; n == 0 {
		t.Error("found the file of the first model, want the second's")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("found %v, want one file", files)
	}
}
