package main

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// The table is the one that transformers' log_metrics prints for these values.
func TestPrintMetrics(t *testing.T) {
	var out bytes.Buffer
	printMetrics(&out, "eval", map[string]float64{
		"epoch": 5, "eval_accuracy": 0.91628440366, "eval_loss": 0.27984, "eval_runtime": 3725.128,
		"eval_samples": 872, "eval_samples_per_second": 170.3125, "eval_total": 872,
	})
	want := `***** eval metrics *****
  epoch                   =        5.0
  eval_accuracy           =     0.9163
  eval_loss               =     0.2798
  eval_runtime            = 1:02:05.12
  eval_samples            =        872
  eval_samples_per_second =   170.3125
  eval_total              =        872
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSaveMetrics(t *testing.T) {
	dir := t.TempDir()
	if err := saveMetrics(dir, "train", map[string]float64{"train_loss": 0.5, "epoch": 1}); err != nil {
		t.Fatal(err)
	}
	if err := saveMetrics(dir, "eval", map[string]float64{"eval_loss": 0.25, "epoch": 2}); err != nil {
		t.Fatal(err)
	}
	var all, eval map[string]float64
	for path, v := range map[string]*map[string]float64{"all_results.json": &all, "eval_results.json": &eval} {
		if err := checkpoint.ReadJSON(dir+"/"+path, v); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]float64{"train_loss": 0.5, "eval_loss": 0.25, "epoch": 2}, all); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"eval_loss": 0.25, "epoch": 2}, eval); diff != "" {
		t.Error(diff)
	}
	if err := saveMetrics(dir, "eval", map[string]float64{"eval_loss": math.NaN()}); err == nil {
		t.Error("NaN was saved")
	}
}
