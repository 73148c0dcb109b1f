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

func ExampleRead() {
	dir, err := os.MkdirTemp("", "report") // the output folder of a run
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	state := `{"global_step": 200, "max_steps": 200, "log_history": [{"step": 100, "loss": 0.5}, {"step": 200, "loss": 0.25}]}`
	if err := os.WriteFile(filepath.Join(dir, "trainer_state.json"), []byte(state), 0o666); err != nil {
		log.Fatal(err)
	}
	run, err := report.Read(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.History["loss"])
	fmt.Println(run.WriteHTML(filepath.Join(dir, "report.html")))
	// Output:
	// [{100 0.5} {200 0.25}]
	// <nil>
}

func ExampleMeasure() {
	compressed := &jpqd.Compressed{}
	compressed.Config.HiddenSize, compressed.Config.IntermediateSize = 768, 3072
	compressed.Layers = make([]jpqd.CompressedLayer, 1) // a block that lost everything
	sizes := report.Measure(compressed)
	fmt.Printf("%d weights of %d, %.0f %% removed\n", sizes.Weights, sizes.AllWeights, 100*sizes.Removed())
	// Output: 0 weights of 7077888, 100 % removed
}
