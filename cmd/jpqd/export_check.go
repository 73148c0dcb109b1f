package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/onnx"
)

// exportCheck is how far what was written is from what was to be. Its JSON keys
// are those of --json.
type exportCheck struct {
	Sequences int     `json:"sequences"`
	Tokens    int     `json:"tokens"`
	Largest   float64 `json:"largest_logit"`
	Engine    float64 `json:"difference_engine"`    // of the graph that was recognised, on the engine
	Reference float64 `json:"difference_reference"` // of the graph, operation by operation
	Tolerance float64 `json:"tolerance"`
}

// onnxCheck is how far the ONNX file is from what was to be written. Its JSON
// keys are those of --json.
type onnxCheck struct {
	Reference float64 `json:"difference_reference"` // of the graph, operation by operation
	Tolerance float64 `json:"tolerance"`
}

// Default tolerances. A value near the middle of two levels may be rounded either
// way, and then differs by a whole level, which grows from layer to layer.
const (
	floatTolerance     = 1e-3
	quantizedTolerance = 0.1
)

// errTolerance is an export that computes something else than the model.
var errTolerance = errors.New("checking the export")

// checkIR reads the IR back and runs it beside the model. It sets what of r is
// about the IR.
func (e *exporter) checkIR(path string, r *exportReport) error {
	written, err := ir.Read(path)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	r.Products, r.Int8 = productsOf(written)
	b := e.sample()
	check := &exportCheck{Sequences: b.Len(), Tokens: b.Rows(), Tolerance: e.mostDifference(e.options.Precision == ir.F16)}
	want, err := logitsOf(e.model, b)
	if err != nil {
		return err
	}
	recognised, err := written.Compressed(&e.model.Config)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	got, err := logitsOf(recognised, b)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	reference, err := written.Logits(b)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	check.Engine, check.Reference = farthest(got, want), farthest(reference, want)
	check.Largest = farthest(want, make([]float32, len(want)))
	r.Checked = check
	if err := within(check.Tolerance, "on the engine", check.Engine); err != nil {
		return err
	}
	return within(check.Tolerance, "operation by operation", check.Reference)
}

// checkONNX reads the ONNX file back and runs it beside the model.
func (e *exporter) checkONNX(path string, r *exportReport) error {
	b := e.sample()
	want, err := logitsOf(e.model, b)
	if err != nil {
		return err
	}
	got, err := onnx.Logits(path, b)
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	check := &onnxCheck{Reference: farthest(got, want), Tolerance: e.mostDifference(false)}
	r.CheckedONNX = check
	return within(check.Tolerance, "of the ONNX file, operation by operation,", check.Reference)
}

// mostDifference is the tolerance, that of quantized values for rounded ones.
func (e *exporter) mostDifference(rounded bool) float64 {
	switch {
	case e.tolerance != 0:
		return e.tolerance
	case rounded || e.model.Quantized():
		return quantizedTolerance
	}
	return floatTolerance
}

// within refuses a difference of logits above the tolerance.
func within(tolerance float64, how string, difference float64) error {
	if difference <= tolerance {
		return nil
	}
	return fmt.Errorf("%w: %s a logit differs by %.3g, want at most --tolerance = %g; nothing was written", errTolerance, how, difference, tolerance)
}

// sample is a small batch of random tokens, of the sizes that are fixed.
func (e *exporter) sample() *bert.Batch {
	lengths := []int{9, 4, 1}
	if n := e.options.Batch; n > 0 {
		all := lengths
		for lengths = nil; len(lengths) < n; {
			lengths = append(lengths, all[len(lengths)%len(all)])
		}
	}
	longest := e.model.Config.MaxLength()
	if n := e.options.Sequence; n > 0 {
		longest = n
	}
	rng := rand.New(rand.NewPCG(1, 1))
	b := &bert.Batch{}
	for _, n := range lengths {
		ids, types := make([]int32, min(n, longest)), make([]int32, min(n, longest))
		for i := range ids {
			ids[i] = rng.Int32N(int32(e.model.Config.VocabSize))
			types[i] = rng.Int32N(int32(max(1, e.model.Config.TypeVocabSize)))
		}
		b.Append(ids, types)
	}
	return b
}

func logitsOf(c *jpqd.Compressed, b *bert.Batch) ([]float32, error) {
	e, err := int8.New(c)
	if err != nil {
		return nil, err
	}
	logits := make([]float32, e.NumLogits(b))
	return logits, e.Logits(e.NewWorkspace(), b, logits)
}

// farthest is the largest difference of two lists, NaN if there is one.
func farthest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	most := 0.0
	for i := range a {
		most = math.Max(most, math.Abs(float64(a[i])-float64(b[i]))) // NaN stays NaN
	}
	return most
}

func (r *exportReport) print(out io.Writer, all bool) error {
	if r.Checked != nil {
		if err := printProducts(out, r.Products, r.Int8, all); err != nil {
			return err
		}
		c := r.Checked
		fmt.Fprintf(out, "logits of %d sequences, up to %.3g: read back they differ by %.2g on the engine, by %.2g operation by operation (tolerance %g)\n",
			c.Sequences, c.Largest, c.Engine, c.Reference, c.Tolerance)
	}
	if c := r.CheckedONNX; c != nil {
		fmt.Fprintf(out, "%s, read back: logits differ by %.2g operation by operation (tolerance %g)\n", onnx.Name, c.Reference, c.Tolerance)
	}
	_, err := fmt.Fprintf(out, "%s: %s; float32 before compression: %d bytes\n", r.Dir, r.fileNames(), r.modelSize.Total.Full)
	return err
}
