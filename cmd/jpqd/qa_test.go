package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// squadFile is a file in SQuAD's layout.
type squadFile struct {
	Data []squadArticle `json:"data"`
}

type squadArticle struct {
	Paragraphs []squadParagraph `json:"paragraphs"`
}

type squadParagraph struct {
	Context string       `json:"context"`
	QAs     []squadQuery `json:"qas"`
}

type squadQuery struct {
	ID       string        `json:"id"`
	Question string        `json:"question"`
	Answers  []squadAnswer `json:"answers,omitempty"`
}

type squadAnswer struct {
	Text  string `json:"text"`
	Start int    `json:"answer_start"`
}

// newQAFixture is a fixture with questions: which word stands before the full
// stop of a made-up sentence. A context holds two sentences, so that the longer
// ones take two windows of 24 tokens.
func newQAFixture(t *testing.T) *fixture {
	t.Helper()
	w := newFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	c := tinyConfig(tok)
	c.Architecture = "BertForQuestionAnswering"
	w.must(os.RemoveAll(w.path("teacher")))
	w.must(os.Mkdir(w.path("teacher"), 0o777))
	w.must(bert.New(c, 7).Save(w.path("teacher")))
	nncf := bytes.Replace(tinyNNCF(), []byte(`"{re}.*pooler.*"`), []byte(`"{re}.*qa_outputs.*"`), 1)
	nncf = bytes.Replace(nncf, []byte(`, "{re}.*classifier.*"`), nil, 1)
	w.must(os.WriteFile(w.path("nncf.json"), nncf, 0o666))
	w.writeQuestions("train.json", 3, 32, true)
	w.writeQuestions("dev.json", 4, 10, true)
	w.writeQuestions("test.json", 4, 10, false)
	return w
}

func (w *fixture) writeQuestions(name string, seed uint64, n int, answers bool) {
	w.t.Helper()
	records := tasks.Sentiment(seed, n)
	var file squadFile
	for i, r := range records {
		words := strings.Fields(r.Text1)
		last := words[len(words)-2]
		q := squadQuery{ID: fmt.Sprint("q", i), Question: "what ?"}
		if answers {
			q.Answers = []squadAnswer{{last, strings.LastIndex(r.Text1, last)}}
		}
		p := squadParagraph{Context: r.Text1 + " " + records[(i+1)%n].Text1, QAs: []squadQuery{q}}
		file.Data = append(file.Data, squadArticle{Paragraphs: []squadParagraph{p}})
	}
	w.must(checkpoint.WriteJSON(w.path("data", name), file))
}

// trainQA is a command line for three epochs.
func (w *fixture) trainQA(out string, more ...string) []string {
	return append([]string{"qa", "--model_name_or_path", w.path("model"), "--train_file", w.path("data", "train.json"),
		"--validation_file", w.path("data", "dev.json"), "--output_dir", w.path(out), "--do_train",
		"--max_seq_length", "24", "--doc_stride", "8", "--per_device_train_batch_size", "8", "--learning_rate", "1e-3",
		"--num_train_epochs", "3", "--logging_steps", "2", "--save_strategy", "no"}, more...)
}

func TestQAErrors(t *testing.T) {
	w := newQAFixture(t)
	w.must(os.WriteFile(w.path("data", "unplaced.json"), []byte(`{"data": [{"id": "1", "context": "a", "question": "what ?", "answers": [{"text": "a"}]}]}`), 0o666))
	w.must(os.WriteFile(w.path("data", "twice.json"), []byte(`{"data": [{"id": "1", "context": "a", "question": "what ?", "answers": [{"text": "a"}]}, {"id": "1", "context": "b", "question": "what ?", "answers": [{"text": "b"}]}]}`), 0o666))
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"data set of the hub", []string{"--dataset_name", "squad"}, exitUsage, "https://rajpurkar.github.io/SQuAD-explorer, with --train_file and --validation_file"},
		{"no validation data", []string{"--validation_file", "", "--do_eval"}, exitUsage, "no validation data: give a file with --validation_file"},
		{"no test data", []string{"--do_predict"}, exitUsage, "no test data: give a file with --test_file"},
		{"a flag of glue", []string{"--task_name", "sst2"}, exitUsage, "unknown flag --task_name"},
		{"short sequences", []string{"--max_seq_length", "4"}, exitUsage, "--max_seq_length: found 4, want at least 5"},
		{"no candidates", []string{"--n_best_size", "0"}, exitUsage, "--n_best_size: found 0"},
		{"metric", []string{"--metric_for_best_model", "accuracy"}, exitUsage, `found "accuracy", want one of exact_match, f1, loss, task_loss`},
		{"another kind of file", []string{"--train_file", w.path("nncf.json")}, exitError, `--train_file: ` + w.path("nncf.json") + `:`},
		{"answers without a place", []string{"--train_file", w.path("data", "unplaced.json")}, exitError, `question "1": its answer has no "answer_start"`},
		{"no answers", []string{"--train_file", w.path("data", "test.json")}, exitError, `question "q0" has no "answers", want them to train on`},
		{"two questions of one name", []string{"--validation_file", w.path("data", "twice.json"), "--do_eval"}, exitError, `--validation_file: question 1: id "1" is there already`},
		{"a stride that leaves no room", []string{"--doc_stride", "19"}, exitError, "train data: question"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, _, stderr := runCommand(t, w.trainQA("out", test.args...)...)
			if status != test.status || !strings.Contains(stderr, test.message) {
				t.Errorf("status %d, want %d and %q in\n%s", status, test.status, test.message, stderr)
			}
		})
	}
	if _, err := os.Stat(w.path("out")); !os.IsNotExist(err) {
		t.Errorf("a run that did not begin made its output folder: %v", err)
	}
}

// The command line of optimum-intel's README for JPQD on SQuAD
// (examples/openvino/question-answering), its data set replaced by files.
func TestParseQAFlags(t *testing.T) {
	const readme = `--model_name_or_path bert-base-uncased --train_file train-v1.1.json --validation_file dev-v1.1.json
		--teacher_model_name_or_path bert-large-uncased-whole-word-masking-finetuned-squad --distillation_weight 0.9
		--do_eval --fp16 --do_train --learning_rate 3e-5 --num_train_epochs 8 --per_device_eval_batch_size 128
		--per_device_train_batch_size 16 --max_seq_length 384 --doc_stride 128 --logging_steps 1
		--evaluation_strategy steps --eval_steps 250 --save_steps 500 --save_total_limit 5
		--output_dir /tmp/jpqd_bert_squad/ --overwrite_output_dir --nncf_compression_config configs/bert-base-jpqd.json`
	o := &qaOptions{}
	flags := pflag.NewFlagSet("qa", pflag.ContinueOnError)
	registerQAFlags(flags, o)
	args, err := translateArgs(flags, strings.Fields(readme))
	if err == nil {
		err = flags.Parse(args)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := &qaOptions{SQuAD: tasks.DefaultSQuAD()}
	want.RunOptions = defaults(func(o *glueOptions) {
		o.ModelNameOrPath, o.TrainFile, o.ValidationFile = "bert-base-uncased", "train-v1.1.json", "dev-v1.1.json"
		o.TeacherModelNameOrPath, o.DistillationWeight = "bert-large-uncased-whole-word-masking-finetuned-squad", 0.9
		o.DoTrain, o.DoEval, o.FP16, o.OverwriteOutputDir = true, true, true, true
		o.LearningRate, o.NumTrainEpochs, o.PerDeviceTrainBatchSize, o.PerDeviceEvalBatchSize = 3e-5, 8, 16, 128
		o.MaxSeqLength, o.LoggingSteps, o.EvaluationStrategy, o.EvalSteps = 384, 1, jpqd.Steps, 250
		o.SaveSteps, o.SaveTotalLimit, o.OutputDir = 500, 5, "/tmp/jpqd_bert_squad/"
		o.NNCFCompressionConfig = "configs/bert-base-jpqd.json"
	}).RunOptions
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}
