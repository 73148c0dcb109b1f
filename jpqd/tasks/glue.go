// Package tasks reads labelled text (the GLUE tasks, CSV, TSV and JSON files of
// one's own, and SQuAD's questions), turns it into [jpqd.Example] values, scores
// a model's logits as GLUE and SQuAD do, and writes predictions.
//
// The way of the data of GLUE is
//
//	task, err := tasks.LookupGLUE("sst2")
//	records, err := task.ReadSplit(dir, tasks.Train)
//	examples, err := tasks.Encode(tok, records, task, 128)
//	trainer.Metrics = func(logits []float32, examples []jpqd.Example) map[string]float64 {
//		return task.Metrics(logits, task.NumLabels(), examples)
//	}
//
// and that of questions is told at [SQuAD]. [InferTask] makes a task of a
// training file that belongs to no benchmark, and [Sentiment] makes a corpus for
// demonstrations out of nothing but a seed.
package tasks

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Metric is how a task's predictions are scored.
type Metric int

// The metrics of GLUE, and the mean squared error for regression outside it.
const (
	Accuracy        Metric = iota // "accuracy"
	AccuracyF1                    // "accuracy", "f1", "combined_score"
	Matthews                      // "matthews_correlation"
	PearsonSpearman               // "pearson", "spearmanr", "combined_score"
	MSE                           // "mse"
)

// GLUETask is a text classification or regression task: one of GLUE's, from
// [LookupGLUE], or one without a name, from [InferTask].
type GLUETask struct {
	Name         string   // lower case: "sst2"; "" outside GLUE
	Text1, Text2 string   // columns of the texts, by their names in HF's data sets; Text2 is "" where a row is one text
	Labels       []string // class names by id; nil for regression
	Regression   bool
	Metric       Metric
}

// Split is a part of a GLUE task's data. Its values are HF's names.
type Split string

// The splits of GLUE. For MNLI, Validation and Test are the matched ones.
const (
	Train                Split = "train"
	Validation           Split = "validation"
	ValidationMismatched Split = "validation_mismatched" // MNLI only
	Test                 Split = "test"
	TestMismatched       Split = "test_mismatched" // MNLI only
)

// glueTask is a task and the columns of its .tsv files, which differ from HF's.
type glueTask struct {
	GLUETask
	tsv Columns // Labels and Regression are filled in from the task
}

// glueTasks are the tasks in the order in which run_glue.py lists them. The ids
// of the classes are those of HF's "glue" data set.
var glueTasks = []glueTask{
	{GLUETask{"cola", "sentence", "", []string{"unacceptable", "acceptable"}, false, Matthews},
		Columns{Text1: "sentence", Label: "is_acceptable"}},
	{GLUETask{"mnli", "premise", "hypothesis", []string{"entailment", "neutral", "contradiction"}, false, Accuracy},
		Columns{Text1: "sentence1", Text2: "sentence2", Label: "gold_label"}},
	{GLUETask{"mrpc", "sentence1", "sentence2", []string{"not_equivalent", "equivalent"}, false, AccuracyF1},
		Columns{Text1: "#1 String", Text2: "#2 String", Label: "Quality"}},
	{GLUETask{"qnli", "question", "sentence", []string{"entailment", "not_entailment"}, false, Accuracy},
		Columns{Text1: "question", Text2: "sentence", Label: "label"}},
	{GLUETask{"qqp", "question1", "question2", []string{"not_duplicate", "duplicate"}, false, AccuracyF1},
		// The published file holds a few rows that are cut short, which HF's loader leaves out.
		Columns{Text1: "question1", Text2: "question2", Label: "is_duplicate", SkipIncomplete: true}},
	{GLUETask{"rte", "sentence1", "sentence2", []string{"entailment", "not_entailment"}, false, Accuracy},
		Columns{Text1: "sentence1", Text2: "sentence2", Label: "label"}},
	{GLUETask{"sst2", "sentence", "", []string{"negative", "positive"}, false, Accuracy},
		Columns{Text1: "sentence", Label: "label"}},
	{GLUETask{"stsb", "sentence1", "sentence2", nil, true, PearsonSpearman},
		Columns{Text1: "sentence1", Text2: "sentence2", Label: "score"}},
	{GLUETask{"wnli", "sentence1", "sentence2", []string{"not_entailment", "entailment"}, false, Accuracy},
		Columns{Text1: "sentence1", Text2: "sentence2", Label: "label"}},
}

// colaHeader names the columns of CoLA's train.tsv and dev.tsv, which lack a header line.
var colaHeader = []string{"source", "is_acceptable", "author_mark", "sentence"}

var errNotGLUE = errors.New("tasks: only GLUE's tasks have splits; read other files with ReadFile")

// LookupGLUE returns the GLUE task of that name, in lower or upper case.
func LookupGLUE(name string) (GLUETask, error) {
	t, ok := findGLUE(strings.ToLower(name))
	if !ok {
		names := make([]string, len(glueTasks))
		for i, g := range glueTasks {
			names[i] = g.Name
		}
		return GLUETask{}, fmt.Errorf("unknown task %.60q, want one of %s", name, strings.Join(names, ", "))
	}
	t.Labels = slices.Clone(t.Labels)
	return t.GLUETask, nil
}

func findGLUE(name string) (glueTask, bool) {
	i := slices.IndexFunc(glueTasks, func(g glueTask) bool { return g.Name == name })
	if i < 0 {
		return glueTask{}, false
	}
	return glueTasks[i], true
}

// NumLabels is the number of a model's outputs: the classes, or 1 for regression.
func (t GLUETask) NumLabels() int {
	if t.Regression {
		return 1
	}
	return len(t.Labels)
}

// Columns are the columns of the task's rows in .csv and .json files: HF's
// names, and "label". For rows without labels, set Label to "".
func (t GLUETask) Columns() Columns {
	return Columns{Text1: t.Text1, Text2: t.Text2, Label: "label", Labels: t.Labels, Regression: t.Regression}
}

// ReadSplit reads a split of a GLUE task from the folder of its .tsv files as
// GLUE distributes them: train.tsv, dev.tsv and test.tsv, and for MNLI
// dev_matched.tsv, dev_mismatched.tsv, test_matched.tsv and test_mismatched.tsv.
// The rows of test splits have no labels, whatever the file says.
func (t GLUETask) ReadSplit(dir string, split Split) ([]Record, error) {
	g, ok := findGLUE(t.Name)
	if !ok {
		return nil, errNotGLUE
	}
	file, err := t.splitFile(split)
	if err != nil {
		return nil, err
	}
	spec := g.tsv
	spec.Labels, spec.Regression = t.Labels, t.Regression
	switch split {
	case Test, TestMismatched:
		spec.Label = ""
	default:
		if t.Name == "cola" {
			spec.Header = colaHeader
		}
	}
	records, err := ReadFile(filepath.Join(dir, file), spec)
	if err != nil {
		return nil, fmt.Errorf("%s, %s split: %w", t.Name, split, err)
	}
	return records, nil
}

// splitFile is the name of the file that holds a split.
func (t GLUETask) splitFile(split Split) (string, error) {
	if t.Name == "mnli" {
		switch split {
		case Validation:
			return "dev_matched.tsv", nil
		case ValidationMismatched:
			return "dev_mismatched.tsv", nil
		case Test:
			return "test_matched.tsv", nil
		case TestMismatched:
			return "test_mismatched.tsv", nil
		}
	}
	switch split {
	case Train:
		return "train.tsv", nil
	case Validation:
		return "dev.tsv", nil
	case Test:
		return "test.tsv", nil
	}
	return "", fmt.Errorf("%s has no split %.60q", t.Name, string(split))
}
