package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/go-jpqd/jpqd/jpqd"
)

// Page is what a report shows. Empty fields leave their section out.
type Page struct {
	Title      string
	Command    string             // the command line
	Args       any                // a value whose JSON object is the table of arguments
	Metrics    map[string]float64 // final results, eval_… and train_…
	History    []jpqd.LogEntry    // log_history, for the curves
	Compressed *jpqd.Compressed   // nil: the model was not compressed
}

//go:embed report.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

// row is one line of a table of names and values.
type row struct{ Name, Value string }

// layerRow is one line of the table of layers.
type layerRow struct {
	Index          int
	Heads, Neurons string
	HeadIDs        string
	Removed        string
	Bytes          string
}

// view is the page as the template reads it: text that is ready to be shown.
type view struct {
	Title, Command string
	Args, Metrics  []row
	Curves         []template.HTML
	Sizes          []row
	Layers         []layerRow
}

// WriteHTML writes the page to path: one file that needs no other and no network.
func WriteHTML(path string, p Page) error {
	v := view{Title: p.Title, Command: p.Command}
	var err error
	if v.Args, err = argumentRows(p.Args); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Metrics)) {
		v.Metrics = append(v.Metrics, row{name, formatNumber(p.Metrics[name])})
	}
	for i := range curves {
		drawing, err := curves[i].svg(p.History)
		if err != nil {
			return err
		}
		if drawing != "" {
			v.Curves = append(v.Curves, drawing)
		}
	}
	if p.Compressed != nil {
		v.addCompressed(p.Compressed)
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return renameio.WriteFile(path, text.Bytes(), 0o644)
}

// argumentRows is the fields of v's JSON object, sorted by name.
func argumentRows(v any) ([]row, error) {
	if v == nil {
		return nil, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("report: arguments: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("report: arguments: %w", err)
	}
	var rows []row
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := string(fields[name])
		if text := ""; json.Unmarshal(fields[name], &text) == nil && value != "null" {
			value = text
		}
		rows = append(rows, row{name, value})
	}
	return rows, nil
}

func (v *view) addCompressed(c *jpqd.Compressed) {
	s := Measure(c)
	v.Sizes = []row{
		{"encoder Linear weights", fmt.Sprintf("%s of %s", grouped(s.Weights), grouped(s.AllWeights))},
		{"removed by pruning", percent(s.Removed())},
		{"sparsity (removed or zero)", percent(s.Sparsity())},
		{"parameters of the whole model", grouped(s.Parameters)},
		{"bytes of the whole model", grouped(s.Bytes)},
		{"matrices in 8 bits", fmt.Sprintf("%d of %d", s.Quantized, s.AllMatrices)},
	}
	for i, l := range s.Layers {
		removed := 1 - float64(l.Weights)/float64(max(1, l.AllWeights))
		v.Layers = append(v.Layers, layerRow{
			Index:   i,
			Heads:   fmt.Sprintf("%d of %d", l.Heads, l.AllHeads),
			HeadIDs: joinInts(c.Layers[i].Heads),
			Neurons: fmt.Sprintf("%s of %s", grouped(l.Neurons), grouped(l.AllNeurons)),
			Removed: percent(removed),
			Bytes:   grouped(l.Bytes),
		})
	}
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// grouped writes an integer with a thin space between groups of three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

func formatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func joinInts(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, " ")
}
