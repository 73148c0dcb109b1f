package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/jpqd"
)

const oneEntry = `{"global_step": 10, "max_steps": 30, "log_history": [{"step": 10, "epoch": 1, "loss": 0.5}]}`

const movementConfig = `{"compression": {"algorithm": "movement_sparsity", "params": {
	"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1, "enable_structured_masking": true}}}`

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   map[string]string
		title   string
		loss    int // points of its curve
		layers  int
		stages  *Stages
		notes   []string
		results int
	}{
		{
			name: "plain", files: map[string]string{stateFile: oneEntry, argsFile: `{"run_name": "my run"}`, resultsFile: `{"eval_accuracy": 0.5, "x": "text"}`},
			title: "my run", loss: 1, results: 1, notes: []string{"10 of 30 steps are done.", "trained in float32 and not compressed"},
		},
		{
			name: "still going", files: map[string]string{"checkpoint-5/" + stateFile: "{", "checkpoint-10/" + stateFile: oneEntry, "checkpoint-11/other": "", "checkpoint-10/" + argsFile: "{}"},
			title: "run", loss: 1, notes: []string{"The run is not finished: this is the state of its last checkpoint, checkpoint-10."},
		},
		{
			name: "a table of NNCF", files: map[string]string{stateFile: oneEntry, structuredFile: structuredHeader + structuredRows, argsFile: `{"task_name": "sst2"}`},
			title: "jpqd glue sst2", loss: 1, layers: 2, notes: []string{"where the stages of pruning begin is not known"},
		},
		{
			name: "without weights", files: map[string]string{stateFile: oneEntry, structuredFile: structuredHeader + structuredRows, jpqd.NNCFConfigFile: movementConfig},
			title: "run", loss: 1, layers: 2, stages: &Stages{10, 20}, notes: []string{"The model cannot be read, so that its sizes are not known"},
		},
		{
			name: "without weights and table", files: map[string]string{stateFile: oneEntry, jpqd.NNCFConfigFile: movementConfig, compressionFile: `{"_steps_per_epoch": 10}`},
			title: "run", loss: 1, stages: &Stages{10, 20}, notes: []string{"There is no structured_sparsity.csv"},
		},
		{
			name: "a table that is broken", files: map[string]string{structuredFile: "x"},
			title: "run", notes: []string{"how training went is not known", "What is left of each layer cannot be read", "There is no training_args.json"},
		},
		{name: "an empty log", files: map[string]string{stateFile: `{"log_history": []}`}, title: "run", notes: []string{"The log is empty"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			for name, text := range test.files {
				writeFile(t, filepath.Join(dir, name), text)
			}
			r, err := Read(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(r.Notes, "\n")
			if r.Title != test.title || len(r.History["loss"]) != test.loss || len(r.Layers) != test.layers || len(r.Results) != test.results {
				t.Errorf("found %+v", r)
			}
			if (r.Stages == nil) != (test.stages == nil) || r.Stages != nil && *r.Stages != *test.stages {
				t.Errorf("stages: found %v, want %v", r.Stages, test.stages)
			}
			for _, want := range test.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("notes do not contain %q:\n%s", want, notes)
				}
			}
			writePage(t, r)
		})
	}
}

func TestReadErrors(t *testing.T) {
	for _, test := range []struct {
		name, file, text, message string
	}{
		{"empty folder", "other", "", "want the output folder of a run"},
		{"log", stateFile, `{"log_history": 3}`, "log_history: found 3, want a list"},
		{"arguments", argsFile, "[1]", argsFile},
		{"results", resultsFile, "{", resultsFile},
		{"configuration", jpqd.NNCFConfigFile, "{", jpqd.NNCFConfigFile},
	} {
		dir := t.TempDir()
		if test.file != "other" {
			writeFile(t, filepath.Join(dir, stateFile), oneEntry)
		}
		writeFile(t, filepath.Join(dir, test.file), test.text)
		if _, err := Read(dir, nil); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: got %v, want …%s…", test.name, err, test.message)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a folder that does not exist: found no error")
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, stateFile), oneEntry)
	writeFile(t, filepath.Join(dir, jpqd.NNCFConfigFile), movementConfig)
	writeFile(t, filepath.Join(dir, compressionFile), `{"_steps_per_epoch": "many"}`)
	if _, err := Read(dir, nil); err == nil || !strings.Contains(err.Error(), compressionFile) {
		t.Errorf("steps that are no number: got %v", err)
	}
}

// A run that begins anew in the folder of an earlier one, and the earlier one.
func TestNewest(t *testing.T) {
	dir := t.TempDir()
	own, newer := filepath.Join(dir, stateFile), filepath.Join(dir, "checkpoint-4", stateFile)
	writeFile(t, own, oneEntry)
	writeFile(t, newer, oneEntry)
	noon := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		own, checkpoint time.Time
		want            string
	}{
		{noon, noon.Add(time.Hour), filepath.Dir(newer)},
		{noon, noon.Add(-time.Hour), dir},
		{noon, noon, dir},
	} {
		if err := os.Chtimes(own, test.own, test.own); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(newer, test.checkpoint, test.checkpoint); err != nil {
			t.Fatal(err)
		}
		if got, err := Newest(dir); err != nil || got != test.want {
			t.Errorf("found %s, %v, want %s", got, err, test.want)
		}
	}
}

func TestWritePictures(t *testing.T) {
	dir := t.TempDir()
	r := &Run{History: published(), Sparse: true, Stages: &Stages{2105, 4210}}
	path := filepath.Join(dir, structuredFile)
	writeFile(t, path, structuredHeader+structuredRows)
	var err error
	if r.Layers, err = readStructured(path); err != nil {
		t.Fatal(err)
	}
	paths, err := r.WritePictures(filepath.Join(dir, "new", "pictures"), "svg")
	if err != nil || len(paths) != 5 {
		t.Fatalf("found %q, %v, want five pictures", paths, err)
	}
	// Layer 0 keeps 53 of 71 parameters, layer 1 4 of 32; what is left of heads
	// and neurons is in the table's comment.
	for i, want := range map[int][]string{
		2: {"75 %", "12 %", "attention, kept", "feed-forward, before", "parameters (thousands)"},
		3: {"1 of 2", "0 of 2", "kept", "pruned", "head", "layer"},
		4: {"3", "1", "neurons"},
	} {
		doc, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains("\n"+texts(t, doc), "\n"+text+"\n") {
				t.Errorf("%s does not contain %q:\n%s", paths[i], text, texts(t, doc))
			}
		}
	}
	if _, err := r.WritePictures(dir, "gif"); err == nil || !strings.Contains(err.Error(), `found "gif"`) {
		t.Errorf("got %v", err)
	}
	if _, err := (&Run{Title: "t"}).WritePictures(dir, "png"); err == nil || !strings.Contains(err.Error(), "found nothing to draw") {
		t.Errorf("got %v", err)
	}
}
