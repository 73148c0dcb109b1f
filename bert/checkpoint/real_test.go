package checkpoint

import (
	"path/filepath"
	"testing"

	"github.com/go-jpqd/jpqd/internal/realdata"
)

// TestReadRealModel reads trained weights in a file that this package did not
// write.
func TestReadRealModel(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "models", "bert-tiny-sst2-encoder-only")
	f, err := ReadModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range f.Names() {
		t.Log(name, f.Tensors[name].Shape)
	}
	var config struct {
		HiddenSize       int `json:"hidden_size"`
		IntermediateSize int `json:"intermediate_size"`
	}
	if err := ReadJSON(filepath.Join(dir, "config.json"), &config); err != nil {
		t.Fatal(err)
	}
	if _, err := f.F32("bert.encoder.layer.0.intermediate.dense.weight", config.IntermediateSize, config.HiddenSize); err != nil {
		t.Error(err)
	}
	// Writing it and reading it back keeps every bit.
	path := filepath.Join(t.TempDir(), WeightsFile)
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	again, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Tensors) != len(f.Tensors) {
		t.Fatalf("found %d tensors, want %d", len(again.Tensors), len(f.Tensors))
	}
	for _, name := range f.Names() {
		if !sameTensor(f.Tensors[name], again.Tensors[name]) {
			t.Errorf("tensor %q changed", name)
		}
	}
}
