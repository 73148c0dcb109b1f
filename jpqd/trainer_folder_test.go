package jpqd

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// Masks and ranges are refused for weights they were not saved with.
func TestFoldersOfMixedModels(t *testing.T) {
	train := func(seed uint64) string {
		dir := t.TempDir()
		tr := resumable(t, 24, 1, 8, func(tr *Trainer) { tr.Model = bert.New(tinyConfig(), seed) })
		mustTrain(t, tr, "")
		if err := tr.SaveModel(dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	load := func(dir string) error {
		m, _, err := bert.Load(dir, bert.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := LoadNNCFConfig(filepath.Join(dir, NNCFConfigFile))
		if err != nil {
			t.Fatal(err)
		}
		return (&Trainer{Model: m, NNCF: cfg, Log: slog.New(slog.DiscardHandler)}).LoadCompression(dir)
	}
	a, b := train(1), train(2)
	if err := load(a); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(b, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a, "model.safetensors"), weights, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := load(a); err == nil || !strings.Contains(err.Error(), "of different models") {
		t.Errorf("found error %v, want one that says so", err)
	}
}

// A plain model saved where a compressed one was leaves nothing of that behind.
func TestSaveModelOverACompressedOne(t *testing.T) {
	dir := t.TempDir()
	tr := resumable(t, 24, 1, -1, nil)
	mustTrain(t, tr, "")
	plain := newTrainer(nil)
	if err := errors.Join(tr.SaveModel(dir), plain.SaveModel(dir)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "config.json" && e.Name() != "model.safetensors" {
			t.Errorf("found %s", e.Name())
		}
	}
}

// A kill between the two renames of a checkpoint loses nothing.
func TestLastCheckpointAdopts(t *testing.T) {
	tr := resumable(t, 24, 1, 8, func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 4 })
	mustTrain(t, tr, "")
	dir := tr.Args.OutputDir
	want := filepath.Join(dir, "checkpoint-8")
	for _, temporary := range []string{".tmp-checkpoint-123", ".tmp-checkpoint-123-old"} {
		if err := os.Rename(want, filepath.Join(dir, temporary)); err != nil {
			t.Fatal(err)
		}
		if got, err := LastCheckpoint(dir); err != nil || got != want {
			t.Errorf("%s: found %q and error %v, want %q", temporary, got, err, want)
		}
	}
}

func TestStructureThatMatchesNothingWarns(t *testing.T) {
	cfg := tinyNNCF(t, "")
	cfg.MovementSparsity.Structures = append(cfg.MovementSparsity.Structures, SparseStructure{Mode: Fine, Factors: [2]int{1, 1}, Target: Scopes{"{re}BertAttentoin"}})
	var log bytes.Buffer
	if _, err := newCompression(bert.New(tinyConfig(), 1), cfg, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "BertAttentoin") {
		t.Errorf("found log %q, want a warning of the structure", log.String())
	}
}

func TestResumeFromAModelFolder(t *testing.T) {
	dir := t.TempDir()
	tr := resumable(t, 24, 1, 4, nil)
	mustTrain(t, tr, "")
	if err := tr.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	_, err := resumable(t, 24, 1, 4, nil).Train(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "want a checkpoint") {
		t.Errorf("found error %v, want one that asks for a checkpoint", err)
	}
}
