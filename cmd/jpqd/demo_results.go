package main

import (
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/report"
	"github.com/go-jpqd/jpqd/kernels"
)

// demoResults is the closing table of the demo.
type demoResults struct {
	dir    string // of the compressed model
	model  [2]demoModel
	layers []jpqd.CompressedLayer // of the compressed model
	total  time.Duration
}

// demoModel is a column of it: the float32 model, or the compressed one.
type demoModel struct {
	accuracy float64 // on the dev sentences, of the engine's logits
	bytes    int64   // of the file that holds the weights
	speed    float64 // sequences per second
	sizes    report.Sizes
}

func (r *demoResults) print(out io.Writer) error {
	before, after := &r.model[0], &r.model[1]
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "\tFP32\tJPQD\t\n")
	fmt.Fprintf(w, "dev accuracy\t%.1f %%\t%.1f %%\t%+.1f points\n", 100*before.accuracy, 100*after.accuracy, 100*(after.accuracy-before.accuracy))
	fmt.Fprintf(w, "weights on disk\t%s\t%s\t%.1f times smaller\n", kibibytes(before.bytes), kibibytes(after.bytes), float64(before.bytes)/float64(after.bytes))
	fmt.Fprintf(w, "sequences/s\t%.0f\t%.0f\t%.1f times as fast\n", before.speed, after.speed, after.speed/before.speed)
	for i, l := range after.sizes.Layers {
		fmt.Fprintf(w, "layer %d heads\t%d\t%d\tkept: %s\n", i, l.AllHeads, l.Heads, idList(r.layers[i].Heads))
		fmt.Fprintf(w, "layer %d neurons\t%d\t%d\t%.0f %% kept\n", i, l.AllNeurons, l.Neurons, 100*float64(l.Neurons)/float64(l.AllNeurons))
	}
	fmt.Fprintf(w, "encoder Linear weights\t%d\t%d\t%.1f %% removed\n", after.sizes.AllWeights, after.sizes.Weights, 100*after.sizes.Removed())
	fmt.Fprintf(w, "encoder sparsity\t%.1f %%\t%.1f %%\tweights removed or zero\n", 100*before.sizes.Sparsity(), 100*after.sizes.Sparsity())
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nBoth models ran on the same engine (%s), in turn, the compressed one in bytes; speeds are medians.\n\nOpenVINO IR  %s\nreport       %s\ntotal time   %s\n",
		kernels.Selected("gemm_f32").Name, filepath.Join(r.dir, ir.XMLName), filepath.Join(r.dir, "report.html"), r.total.Round(time.Second))
	return err
}

func kibibytes(n int64) string { return fmt.Sprintf("%.0f KiB", float64(n)/1024) }

// idList writes ids, "none" where there is none.
func idList(ids []int) string {
	if len(ids) == 0 {
		return "none"
	}
	return fmt.Sprint(ids)
}
