package tasks

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPredictionsFile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		split Split
		want  string
	}{
		{"sst2", Test, "predict_results_sst2.txt"},
		{"mnli", Test, "predict_results_mnli.txt"},
		{"mnli", TestMismatched, "predict_results_mnli-mm.txt"},
		{"", Test, "predict_results_None.txt"},
	} {
		if got := (GLUETask{Name: tt.name}).PredictionsFile(tt.split); got != tt.want {
			t.Errorf("%s, %s: %s, want %s", tt.name, tt.split, got, tt.want)
		}
	}
}

func TestWritePredictions(t *testing.T) {
	classes := GLUETask{Labels: []string{"no", "yes", "maybe"}}
	regression := GLUETask{Regression: true}
	tests := []struct {
		name   string
		task   GLUETask
		logits []float32
		want   string
	}{
		{"classes", classes, []float32{1, 2, 0, 3, 3, 3, -2, -1, float32(math.Inf(1))}, "index\tprediction\n0\tyes\n1\tno\n2\tmaybe\n"},
		{"regression", regression, []float32{2.5, -0.0625, 4.99951}, "index\tprediction\n0\t2.500\n1\t-0.062\n2\t5.000\n"},
		{"nothing", classes, nil, "index\tprediction\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.txt")
			if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := tt.task.WritePredictions(path, tt.logits); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != tt.want {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}

	path := filepath.Join(t.TempDir(), "p.txt")
	if err := classes.WritePredictions(path, []float32{1, 0, 0, 0, nan, 0}); err == nil || !strings.Contains(err.Error(), "example 1: no prediction from logits [0 NaN 0]") {
		t.Errorf("NaN: %v", err)
	}
	if err := regression.WritePredictions(path, []float32{float32(math.Inf(-1))}); err == nil {
		t.Error("infinite value: no error")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a failed write left a file: %v", err)
	}
	if err := classes.WritePredictions(filepath.Join(path, "absent", "p.txt"), nil); err == nil {
		t.Error("absent folder: no error")
	}
}
