package tasks

import (
	"bytes"
	"fmt"
	"math"

	"github.com/google/renameio/v2"
)

// PredictionsFile is the name that run_glue.py gives the file of a test
// split's predictions: "predict_results_sst2.txt", with "mnli-mm" for the
// mismatched split of MNLI and "None" for a task without a name.
func (t GLUETask) PredictionsFile(split Split) string {
	name := t.Name
	switch {
	case name == "":
		name = "None"
	case split == TestMismatched:
		name += "-mm"
	}
	return "predict_results_" + name + ".txt"
}

// WritePredictions writes a line per row of logits: its index, a tab, and the
// name of the class predicted, or for regression the value with three
// decimals. The file appears whole or not at all. Logits that give no
// prediction, NaN or an infinite value, are an error.
func (t GLUETask) WritePredictions(path string, logits []float32) error {
	n := t.NumLabels()
	if n < 1 || len(logits)%n != 0 {
		panic(errLogits)
	}
	var b bytes.Buffer
	b.WriteString("index\tprediction\n")
	for i := range len(logits) / n {
		prediction, err := t.prediction(logits[i*n:][:n])
		if err != nil {
			return fmt.Errorf("%s: example %d: %w", path, i, err)
		}
		fmt.Fprintf(&b, "%d\t%s\n", i, prediction)
	}
	return renameio.WriteFile(path, b.Bytes(), 0o644)
}

// prediction is what one row of logits predicts.
func (t GLUETask) prediction(logits []float32) (string, error) {
	if t.Regression {
		if v := float64(logits[0]); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return fmt.Sprintf("%.3f", v), nil
		}
	} else if class := argmax(logits); class >= 0 {
		return t.Labels[class], nil
	}
	return "", fmt.Errorf("no prediction from logits %v", logits)
}
