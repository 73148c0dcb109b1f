package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// labels are the names of the model's outputs.
func labels(task *tasks.GLUETask) []string {
	if task.Regression {
		return []string{"LABEL_0"}
	}
	return task.Labels
}

// loadModel reads the student with the data's labels, its outputs in their order.
func (t *glueTask) loadModel(dir string) (*bert.Model, bert.LoadReport, error) {
	names, answering := labels(&t.glue), t.questionAnswering()
	config, err := bert.LoadConfig(dir)
	if err != nil {
		return nil, bert.LoadReport{}, err
	}
	order := labelOrder(config.Labels, names)
	if order == nil && !numberedLabels(config.Labels) && len(config.Labels) == len(names) {
		t.console.log.Warn("the model's labels do not match the data's and are ignored", slog.Any("model", config.Labels), slog.Any("data", names))
	}
	model, report, err := bert.Load(dir, bert.LoadOptions{Seed: t.o.Seed, Labels: names, QuestionAnswering: &answering, IgnoreMismatchedSizes: t.o.IgnoreMismatchedSizes})
	if err != nil {
		if config.NumLabels() != len(names) && strings.Contains(err.Error(), "classifier") {
			err = fmt.Errorf("%w (the model has %d labels, the data %d; --ignore_mismatched_sizes starts a new classifier)", err, config.NumLabels(), len(names))
		}
		return nil, report, err
	}
	if order != nil {
		sortOutputs(model.Classifier, order)
	}
	model.Config.ProblemType = ""
	if t.glue.Regression {
		model.Config.ProblemType = "regression"
	}
	if t.o.TaskName != "" {
		if model.Config, err = model.Config.WithExtra("finetuning_task", strings.ToLower(t.o.TaskName)); err != nil {
			return nil, report, err
		}
	}
	return model, report, nil
}

// fitTeacher puts the teacher's outputs into the order of the data's labels.
func (t *glueTask) fitTeacher(teacher *bert.Model) error {
	names := labels(&t.glue)
	if got := teacher.Config.NumLabels(); got != len(names) {
		return fmt.Errorf("found a model with %d labels, want the task's %d", got, len(names))
	}
	if order := labelOrder(teacher.Config.Labels, names); order != nil {
		sortOutputs(teacher.Classifier, order)
	} else if !numberedLabels(teacher.Config.Labels) {
		t.console.log.Warn("the teacher's labels do not match the data's; they are taken in the order in which they stand", slog.Any("teacher", teacher.Config.Labels), slog.Any("data", names))
	}
	return nil
}

// labelOrder finds the model's output for each label of the data, whatever the
// case of the names: order[i] is the output for want[i]. Nil: the names differ.
func labelOrder(model, want []string) []int {
	if len(model) != len(want) {
		return nil
	}
	order := make([]int, len(want))
	for i, name := range want {
		order[i] = slices.IndexFunc(model, func(m string) bool { return strings.EqualFold(m, name) })
		if order[i] < 0 {
			return nil
		}
	}
	return order
}

// numberedLabels says whether the labels are the names that transformers gives
// where nobody named them.
func numberedLabels(labels []string) bool {
	for i, label := range labels {
		if label != fmt.Sprintf("LABEL_%d", i) {
			return false
		}
	}
	return true
}

// sortOutputs puts a classifier's outputs into the order of the data's labels.
func sortOutputs(classifier *bert.Linear, order []int) {
	weight, bias := classifier.Weight, classifier.Bias
	oldWeight, oldBias := slices.Clone(weight.Data), slices.Clone(bias.Data)
	width := len(oldWeight) / len(order)
	for i, from := range order {
		copy(weight.Data[i*width:(i+1)*width], oldWeight[from*width:(from+1)*width])
		bias.Data[i] = oldBias[from]
	}
}
