package report_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

func ExampleNewEventWriter() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	events, err := report.NewEventWriter(dir) // tensorboard --logdir dir
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	if err := events.Log(jpqd.LogEntry{"step": 100, "loss": 0.25, "eval_accuracy": 0.9}); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(events.Path())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Size() > 0)
	// Output: true
}

func ExampleWriteHTML() {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "report.html")
	err = report.WriteHTML(path, report.Page{
		Title:   "SST-2",
		Metrics: map[string]float64{"eval_accuracy": 0.9},
		History: []jpqd.LogEntry{{"step": 100, "loss": 0.5}, {"step": 200, "loss": 0.25}},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleMeasure() {
	compressed := &jpqd.Compressed{}
	compressed.Config.HiddenSize, compressed.Config.IntermediateSize = 768, 3072
	compressed.Layers = make([]jpqd.CompressedLayer, 1) // a block that lost everything
	sizes := report.Measure(compressed)
	fmt.Printf("%d weights of %d, %.0f %% removed\n", sizes.Weights, sizes.AllWeights, 100*sizes.Removed())
	// Output: 0 weights of 7077888, 100 % removed
}
