package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/onnx"
)

// cardName is the model card's file.
const cardName = "README.md"

// cardMark is in every card, which the next export may replace.
const cardMark = "<!-- jpqd export -->"

// ownCard tells whether a folder has no card, or one of ours.
func ownCard(dir string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, cardName))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return bytes.Contains(data, []byte(cardMark)), err
}

// card is the model card: what the model is and what was measured of it.
func (e *exporter) card(r *exportReport) []byte {
	var b bytes.Buffer
	config, size := &e.model.Config, r.modelSize
	pipeline, class := "text-classification", "OVModelForSequenceClassification"
	if config.QuestionAnswering() {
		pipeline, class = "question-answering", "OVModelForQuestionAnswering"
	}
	_, hasIR := r.Files[ir.XMLName]
	tags := []string{"jpqd"}
	if hasIR {
		tags = append(tags, "openvino")
	}
	if _, ok := r.Files[onnx.Name]; ok {
		tags = append(tags, "onnx")
	}
	fmt.Fprintf(&b, "---\npipeline_tag: %s\ntags:\n", pipeline)
	for _, tag := range tags {
		fmt.Fprintf(&b, "- %s\n", tag)
	}
	fmt.Fprintf(&b, "---\n%s\n\n# %s\n\n%s with %d layers of %d columns", cardMark, e.from, config.Architecture, config.NumHiddenLayers, config.HiddenSize)
	if size.Removed > 0 {
		fmt.Fprintf(&b, ", of whose encoder %.1f %% of the weights are pruned away", 100*size.Removed)
	}
	if e.model.Quantized() {
		b.WriteString(", quantized to 8 bits")
	}
	b.WriteString(". Exported by jpqd.\n\n| | |\n|---|---|\n")
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	row("parameters", "%d", size.Parameters)
	row("float32 before compression", "%d bytes", size.Total.Full)
	for _, name := range []string{ir.BinName, onnx.Name} {
		if n := r.Files[name]; n > 0 {
			row(name, "%d bytes, %.2f times smaller", n, float64(size.Total.Full)/float64(n))
		}
	}
	if hasIR {
		row("MatMuls that run in INT8", "%d of %d", r.Int8, len(r.Products))
		row("logits of the file, read back", "within %.2g of the model's on the engine, within %.2g operation by operation", r.Checked.Engine, r.Checked.Reference)
	}
	if r.CheckedONNX != nil {
		row("logits of "+onnx.Name+", read back", "within %.2g of the model's, operation by operation", r.CheckedONNX.Reference)
	}
	for _, name := range e.metrics() {
		row(name[0], "%s", name[1])
	}
	b.WriteString("\n| layer | heads | neurons |\n|---|---|---|\n")
	for i := range size.Layers {
		l := &size.Layers[i]
		fmt.Fprintf(&b, "| %d | %d of %d | %d of %d |\n", i, l.Heads, l.AllHeads, l.Neurons, l.AllNeurons)
	}
	if hasIR {
		fmt.Fprintf(&b, "\n```python\nfrom optimum.intel import %s\nfrom transformers import AutoTokenizer, pipeline\n\nmodel = %s.from_pretrained(\".\")\nrun = pipeline(%q, model=model, tokenizer=AutoTokenizer.from_pretrained(\".\"))\n```\n", class, class, pipeline)
		fmt.Fprintf(&b, "\n```sh\njpqd predict --ir %s\n```\n", ir.XMLName)
	}
	return b.Bytes()
}

// metrics are the results of evaluations that the model's folder holds, but for
// times, with their values.
func (e *exporter) metrics() [][2]string {
	if e.source == "" {
		return nil
	}
	var all map[string]float64
	if err := checkpoint.ReadJSON(filepath.Join(e.source, "all_results.json"), &all); err != nil {
		return nil // a folder of another program, or of a run that is not done
	}
	var list [][2]string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name, ok := strings.CutPrefix(key, "eval_")
		if !ok || strings.Contains(name, "runtime") || strings.Contains(name, "per_second") {
			continue
		}
		list = append(list, [2]string{"evaluation: " + name, formatMetric(key, all[key])})
	}
	return list
}
