package bert_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/internal/realdata"
)

// The trained BERT-tiny of the data folder has no embedding tables; golden.json
// gives embedding outputs and the logits they must lead to (PyTorch, float64).
func TestTrainedModelGivesItsGoldenLogits(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "models", "bert-tiny-sst2-encoder-only")
	m, report, err := bert.Load(dir, bert.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range report.Missing {
		if !strings.HasPrefix(name, "bert.embeddings.") {
			t.Errorf("missing %s", name)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Source          string      `json:"source"`
		EmbeddingOutput [][]float32 `json:"embedding_output"`
		Logits          []float64   `json:"logits"`
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) == 0 {
		t.Fatal("golden.json holds no sequences")
	}
	var batch bert.Batch
	var rows []float32
	for _, g := range golden {
		batch.Append(make([]int32, len(g.EmbeddingOutput)), nil)
		for _, row := range g.EmbeddingOutput {
			rows = append(rows, row...)
		}
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	x := tape.Constant(batch.Rows(), m.Config.HiddenSize, rows)
	logits := m.Classify(tape, m.Encode(tape, x, &batch), &batch)
	worst := 0.0
	for i, g := range golden {
		for j, want := range g.Logits {
			worst = math.Max(worst, math.Abs(float64(logits.Row(i)[j])-want))
		}
	}
	t.Logf("%d sequences, largest difference %.2g", len(golden), worst)
	if !(worst <= 1e-4) {
		t.Errorf("logits differ by %g, want at most 1e-4", worst)
	}
}
