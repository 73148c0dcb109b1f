package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// From the project's own pretrained model to a quantized one and its IR, on a few dozen
// sentences: real weights, with the outliers and the ranges that they have, which
// tell words in sentences about things that training has not named.
func TestGluePretrained(t *testing.T) {
	const pretrained = "../../models/bert-mini-wiki"
	if _, err := os.Stat(pretrained); err != nil {
		t.Skip("models/ is a module of its own, and not here")
	}
	w := newFixture(t)
	review := func(nouns ...string) (all []tasks.Record) {
		for _, noun := range nouns {
			for label, words := range []string{"bad dull poor boring terrible weak", "good great fine lovely excellent strong"} {
				for word := range strings.FieldsSeq(words) {
					all = append(all, tasks.Record{Text1: fmt.Sprintf("this was a %s %s", word, noun), Label: int32(label)})
				}
			}
		}
		return all
	}
	line := func(_ int, r tasks.Record) string { return fmt.Sprintf("%s\t%v", r.Text1, r.Label) }
	w.writeTSV("train.tsv", "sentence\tlabel", review("film", "book", "play", "story", "song", "show"), line)
	w.writeTSV("dev.tsv", "sentence\tlabel", review("movie", "album"), line)
	glue := func(model, out string, more ...string) {
		w.run(append([]string{"glue", "--model_name_or_path", model, "--task_name", "SST2", "--data_dir", w.path("data"), "--output_dir", w.path(out),
			"--do_train", "--do_eval", "--per_device_train_batch_size", "8", "--learning_rate", "3e-4", "--save_strategy", "no", "--seed", "1"}, more...))
		if accuracy := w.results(out, "eval_results.json")["eval_accuracy"]; accuracy < 0.9 {
			t.Errorf("%s: found an accuracy of %v, want at least 0.9", out, accuracy)
		}
	}
	glue(pretrained, "tuned", "--num_train_epochs", "10")
	w.must(os.WriteFile(w.path("quantization.json"), []byte(`{"input_info": [{"sample_size": [8, 16], "type": "long"}, {"sample_size": [8, 16], "type": "long"}, {"sample_size": [8, 16], "type": "long"}],
		"compression": {"algorithm": "quantization", "preset": "mixed"}}`), 0o666))
	glue(w.path("tuned"), "quantized", "--num_train_epochs", "1", "--nncf_compression_config", w.path("quantization.json"))
	w.run([]string{"export", w.path("quantized"), "--output_dir", w.path("ir")})
	w.wantFiles("ir", "openvino_model.xml", "openvino_model.bin")
}
