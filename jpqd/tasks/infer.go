package tasks

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
)

// maxInferred is the number of different labels beyond which a column is taken
// for something else, say texts.
const maxInferred = 10_000

var errManyLabels = fmt.Errorf("column \"label\" has more than %d different values", maxInferred)

// InferTask makes a task of a training file that belongs to no benchmark, by
// the rule of run_glue.py. The labels are in the column "label"; the texts are
// the columns "sentence1" and "sentence2" if there are both, else the first two
// columns beside "label", or the one that there is. The classes are the
// different labels, sorted, numbers by their value; but numbers of which at
// least one has a fraction or an exponent make it a regression.
//
// Where run_glue.py would hand a column of numbers to the tokenizer and fail
// there, InferTask fails.
func InferTask(trainFile string) (GLUETask, error) {
	f, err := os.Open(trainFile)
	if err != nil {
		return GLUETask{}, err
	}
	defer f.Close()
	task, err := inferTask(trainFile, f)
	if err != nil {
		return GLUETask{}, fmt.Errorf("%w (the task is inferred from its training file)", err)
	}
	return task, nil
}

func inferTask(name string, r io.Reader) (GLUETask, error) {
	var columns []string             // all, in the order in which they first occur
	worded := make(map[string]bool)  // of each: whether a value of it is no number
	labels := make(map[string]int64) // each with its value if it is an integer
	integers, numbers := true, true  // what all labels are
	for row, err := range readRows(name, r, nil) {
		if err != nil {
			return GLUETask{}, err
		}
		for i, column := range row.names {
			words, seen := worded[column]
			if !seen {
				if len(columns) == maxColumns {
					return GLUETask{}, rowError(name, row.line, errManyColumns)
				}
				columns = append(columns, column)
			}
			worded[column] = words || i < len(row.cells) && row.cells[i].typed() == text
		}
		label, err := row.cell("label")
		if err == nil && (label.text == "" || label.kind == null) {
			err = errors.New(`column "label": label is empty`)
		}
		if err != nil {
			return GLUETask{}, rowError(name, row.line, err)
		}
		kind := label.typed()
		value, _ := strconv.ParseInt(label.text, 10, 64)
		if kind == integer {
			label.text = strconv.FormatInt(value, 10)
		}
		integers = integers && kind == integer
		numbers = numbers && (kind == integer || kind == float)
		if labels[label.text] = value; len(labels) > maxInferred && !numbers {
			return GLUETask{}, rowError(name, row.line, errManyLabels)
		}
	}
	if len(columns) == 0 {
		return GLUETask{}, fmt.Errorf("%s: no rows", name)
	}

	var task GLUETask
	if err := task.inferTexts(columns, worded); err != nil {
		return GLUETask{}, fmt.Errorf("%s: %w", name, err)
	}
	if numbers && !integers {
		task.Regression, task.Metric = true, MSE
		return task, nil
	}
	if len(labels) > maxInferred {
		return GLUETask{}, fmt.Errorf("%s: %w", name, errManyLabels)
	}
	for label := range labels {
		task.Labels = append(task.Labels, label)
	}
	slices.SortFunc(task.Labels, func(a, b string) int {
		if integers {
			return cmp.Compare(labels[a], labels[b])
		}
		return cmp.Compare(a, b)
	})
	if len(task.Labels) < 2 {
		return GLUETask{}, fmt.Errorf("%s: column \"label\" holds only %.60q, want at least two different labels", name, task.Labels[0])
	}
	return task, nil
}

// inferTexts chooses the columns of the texts.
func (t *GLUETask) inferTexts(columns []string, worded map[string]bool) error {
	texts := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == "label" })
	switch {
	case len(texts) == 0:
		return errors.New(`no column beside "label", want one or two with texts`)
	case slices.Contains(texts, "sentence1") && slices.Contains(texts, "sentence2"):
		texts = []string{"sentence1", "sentence2"}
	default:
		texts = texts[:min(2, len(texts))]
	}
	for _, c := range texts {
		if !worded[c] {
			return fmt.Errorf("column %q holds no texts; the texts are \"sentence1\" and \"sentence2\", or the first two columns beside \"label\"", c)
		}
	}
	t.Text1 = texts[0]
	if len(texts) == 2 {
		t.Text2 = texts[1]
	}
	return nil
}

// typed is the kind of a cell, by its text where the file does not say.
func (c cell) typed() kind {
	if c.kind != untyped && c.kind != integer {
		return c.kind
	}
	if isInteger(c.text) {
		return integer
	}
	if v, err := strconv.ParseFloat(c.text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return float
	}
	return text
}
