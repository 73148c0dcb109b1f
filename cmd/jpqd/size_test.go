package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sizeOf is what `jpqd size --json` tells of a model.
func (w *fixture) sizeOf(name string) (m modelSize) {
	w.t.Helper()
	stdout, _ := w.run([]string{"size", w.path(name), "--json"})
	w.must(json.Unmarshal([]byte(stdout), &m))
	return m
}

func TestSize(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--nncf_compression_config", w.path("nncf.json"), "--save_strategy", "epoch"))
	folder, file := w.sizeOf("out"), w.sizeOf("out/compressed.safetensors")
	if folder.Total != file.Total || folder.File != file.File || folder.FileBytes == 0 || folder.FileBytes != file.FileBytes {
		t.Errorf("the folder's sizes are %+v, its file's %+v, want the same", folder, file)
	}
	// The header of the file and the ids and indices in it are all that the bytes of the tensors leave out.
	if rest := folder.FileBytes - int64(folder.Total.Bytes); rest < 0 || rest > 20000 {
		t.Errorf("found a file of %d bytes for tensors of %d", folder.FileBytes, folder.Total.Bytes)
	}
	layer := folder.Layers[0]
	if len(folder.Layers) != 1 || layer.AllHeads != 2 || layer.AllNeurons != 64 || layer.AllBlocks != 4+2*2 || layer.Blocks > layer.AllBlocks {
		t.Errorf("found layers %+v", folder.Layers)
	}
	// 4 · 32·32 + 2 · 64·32 weights, 5·32 + 64 biases and 4·32 values of normalisations, 4 bytes each.
	if want := 4 * (4*32*32 + 2*64*32 + 5*32 + 64 + 4*32); layer.Full != want {
		t.Errorf("found %d bytes before compression, want %d", layer.Full, want)
	}
	if folder.Total.Ratio < folder.Total.FloatRatio || folder.Total.FloatRatio < 1.5 || folder.Removed <= 0 || folder.Sparsity < folder.Removed {
		t.Errorf("found ratios %+v, removed %v, sparsity %v", folder.Total, folder.Removed, folder.Sparsity)
	}
	if sum := folder.Embeddings.Bytes + layer.Bytes + folder.Head.Bytes; sum != folder.Total.Bytes {
		t.Errorf("the parts have %d bytes, in all %d", sum, folder.Total.Bytes)
	}

	// A run without the file, and one that was stopped: its last checkpoint.
	w.must(os.Remove(w.path("out", "compressed.safetensors")))
	if m := w.sizeOf("out"); m.Total != folder.Total || m.File != "" {
		t.Errorf("without the file: found %+v", m)
	}
	w.must(os.Mkdir(w.path("stopped"), 0o777))
	w.must(os.Rename(w.path("out", "checkpoint-18"), w.path("stopped", "checkpoint-18")))
	if m := w.sizeOf("stopped"); m.Total != folder.Total {
		t.Errorf("of the last checkpoint: found %+v", m)
	}

	plain := w.sizeOf("teacher")
	if plain.Total.Ratio != 1 || plain.Total.FloatRatio != 1 || plain.Removed != 0 || plain.Total.Bytes != 4*plain.Parameters || filepath.Base(plain.File) != "model.safetensors" {
		t.Errorf("a model in float32: found %+v", plain)
	}
	stdout, _ := w.run([]string{"size", w.path("teacher")})
	for _, want := range []string{"embeddings", "layer 0 2/2 64/64 8/8", "head", "total", "1.00×", "0.0% are removed", "model.safetensors: "} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("the table does not contain %q:\n%s", want, stdout)
		}
	}
}

// The published model's bytes: BERT-base with all quantizers, and with 40 % of
// the encoder's weights gone.
func TestSizeOfBERTBase(t *testing.T) {
	if testing.Short() {
		t.Skip("110 million weights")
	}
	w := newFixture(t)
	for sparsity, ratio := range map[string]float64{"none": 3.9, "published": 5.5} {
		var m modelSize
		stdout, _ := w.run([]string{"size", "--config", "bert-base", "--sparsity", sparsity, "--json"})
		w.must(json.Unmarshal([]byte(stdout), &m))
		if m.Total.Ratio < ratio || m.Total.Full < 4*109e6 {
			t.Errorf("%s: found %d bytes, %.2f times smaller, want %v times", sparsity, m.Total.Bytes, m.Total.Ratio, ratio)
		}
	}
}

func TestSizeErrors(t *testing.T) {
	w := newFixture(t)
	w.must(os.WriteFile(w.path("broken.safetensors"), []byte("x"), 0o666))
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"no model", nil, exitUsage, "found 0 arguments, want one: a model's folder, its compressed.safetensors or its openvino_model.xml"},
		{"sparsity alone", []string{"--sparsity", "published"}, exitUsage, "found 0 arguments"},
		{"an unknown configuration", []string{"--config", "bert"}, exitUsage, `--config: found "bert", want one of bert-base`},
		{"a model and a configuration", []string{"none", "--config", "bert-base"}, exitUsage, `--config: found it beside MODEL "none"`},
		{"no such model", []string{"none"}, exitError, `there is no folder "none"`},
		{"another file", []string{w.path("nncf.json")}, exitError, "is a file, want a model's folder, a compressed.safetensors or an openvino_model.xml"},
		{"a broken file", []string{w.path("broken.safetensors")}, exitError, "broken.safetensors: found 1 bytes"},
		{"a model's weights", []string{w.path("teacher", "model.safetensors")}, exitError, `metadata: format: found "pt", want "jpqd.compressed"`},
		{"a folder without weights", []string{w.path("model")}, exitError, "want a model that is trained already"},
	} {
		status, stdout, stderr := runCommand(t, append([]string{"size"}, test.args...)...)
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.message) {
			t.Errorf("%s: status %d, want %d; %q, want …%s…", test.name, status, test.status, stderr, test.message)
		}
	}
}
