package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/internal/realdata"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// TestEnginesAgreeOnQuestions wants 99 % of the logits of bytes within 1e-3 of
// those of the fake-quantized model on windows of SQuAD, the others within a
// step that a value rounded otherwise makes, and the same answers to 99.5 % of
// the questions; of a small model trained on a few of them. Threads change
// nothing.
func TestEnginesAgreeOnQuestions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it trains a model for some seconds")
	}
	data := realdata.Dir(t)
	questionsFile := filepath.Join(data, "squad", "dev-v1.1.json")
	w := newQAFixture(t)
	vocab, err := os.ReadFile(filepath.Join(data, "vocab", "vocab.txt"))
	w.must(err)
	w.must(os.WriteFile(w.path("model", "vocab.txt"), vocab, 0o666))
	config, err := bert.LoadConfig(w.path("model"))
	w.must(err)
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.MaxPositionEmbeddings = strings.Count(string(vocab), "\n"), 64, 2, 4, 128
	w.must(config.Save(w.path("model")))
	w.run(w.trainQA("out", "--train_file", questionsFile, "--nncf_compression_config", w.path("nncf.json"),
		"--max_train_samples", "400", "--per_device_train_batch_size", "16", "--learning_rate", "2e-3",
		"--max_seq_length", "128", "--doc_stride", "64"))

	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	squad := tasks.DefaultSQuAD()
	squad.MaxSeqLength, squad.DocStride = 128, 64
	questions, err := tasks.ReadSQuAD(questionsFile)
	w.must(err)
	windows, err := squad.Encode(tok, questions[:200])
	w.must(err)
	c := newConsole(io.Discard, io.Discard)
	run := func(engine string) []float32 {
		found, err := findTrained(t.Context(), c, w.path("out"), "", "")
		w.must(err)
		model, err := found.prepare(engine, 8)
		w.must(err)
		logits, err := model.logits(t.Context(), windows.Examples)
		w.must(err)
		return logits
	}
	want, got := run(engineFakeQuant), run(engineInt8)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, threads := range []int{1, 3} {
		runtime.GOMAXPROCS(threads)
		if !slices.Equal(run(engineInt8), got) {
			t.Errorf("%d threads give other logits", threads)
		}
	}

	differences := make([]float64, len(want))
	for i := range want {
		differences[i] = math.Abs(float64(got[i]) - float64(want[i]))
	}
	slices.Sort(differences)
	most, largest := differences[len(differences)*99/100], differences[len(differences)-1]
	same := 0
	wanted := squad.Predict(windows, want)
	for i, p := range squad.Predict(windows, got) {
		if p.Text == wanted[i].Text {
			same++
		}
	}
	t.Logf("%d windows, logits %.2f to %.2f, 99 %% of them within %.1e, all within %.1e; %d of %d answers agree",
		len(windows.Examples), slices.Min(want), slices.Max(want), most, largest, same, len(wanted))
	if most > 1e-3 || largest > 0.1 {
		t.Errorf("found 99 %% of the logits within %.1e and all within %.1e, want 1e-3 and 0.1", most, largest)
	}
	if float64(same) < 0.995*float64(len(wanted)) {
		t.Errorf("found %d of %d answers to agree, want 99.5 %%", same, len(wanted))
	}
	if spread := slices.Max(want) - slices.Min(want); spread < 1 {
		t.Errorf("found logits that are %v apart at most: the model tells nothing apart", spread)
	}
}
