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
)

//go:embed report.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

// row is one line of a table of names and values.
type row struct{ Name, Value string }

// layerRow is one line of the table of layers.
type layerRow struct {
	Index                         int
	Heads, HeadIDs, Neurons       string
	Attention, FeedForward, Bytes string
	Removed                       string
}

// picture is a figure as the page shows it.
type picture struct {
	Title, Caption string
	SVG            template.HTML
}

// view is the page as the template reads it: text that is ready to be shown.
type view struct {
	Title    string
	Notes    []string
	Metrics  []row
	Sizes    []row
	Pictures []picture
	Layers   []layerRow
	Args     []row
}

// WriteHTML writes the page to path: one file that needs no other and no network.
func (r *Run) WriteHTML(path string) error {
	v := view{Title: r.Title, Notes: r.Notes, Args: argumentRows(r.Args)}
	for _, name := range slices.Sorted(maps.Keys(r.Results)) {
		v.Metrics = append(v.Metrics, row{name, formatNumber(r.Results[name])})
	}
	figures, err := r.figures()
	if err != nil {
		return err
	}
	for _, f := range figures {
		drawing, err := f.svg()
		if err != nil {
			return err
		}
		// The XML prologue has no place inside an HTML page.
		_, body, found := strings.Cut(string(drawing), "<svg")
		if !found {
			return fmt.Errorf("report: figure %s: the drawing has no <svg> element", f.name)
		}
		v.Pictures = append(v.Pictures, picture{f.title, f.caption, template.HTML("<svg" + body)}) // vgsvg escapes every text
	}
	if r.Sizes != nil {
		v.Sizes = sizeRows(r.Sizes)
	}
	for i := range r.Layers {
		v.Layers = append(v.Layers, newLayerRow(i, &r.Layers[i]))
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return renameio.WriteFile(path, text.Bytes(), 0o644)
}

// argumentRows are the arguments that have a value, sorted by name.
func argumentRows(args map[string]json.RawMessage) []row {
	var rows []row
	for _, name := range slices.Sorted(maps.Keys(args)) {
		value := string(args[name])
		if value == "null" {
			continue
		}
		if text := ""; json.Unmarshal(args[name], &text) == nil {
			value = text
		}
		rows = append(rows, row{name, value})
	}
	return rows
}

func sizeRows(s *Sizes) []row {
	return []row{
		{"encoder Linear weights", fmt.Sprintf("%s of %s", grouped(s.Weights), grouped(s.AllWeights))},
		{"removed by pruning", percent(s.Removed())},
		{"sparsity (removed or zero)", percent(s.Sparsity())},
		{"parameters of the whole model", grouped(s.Parameters)},
		{"bytes of the whole model", grouped(s.Bytes)},
		{"matrices in 8 bits", fmt.Sprintf("%d of %d", s.Quantized, s.AllMatrices)},
	}
}

// newLayerRow writes a layer's figures; those that are unknown are dashes.
func newLayerRow(index int, l *Layer) layerRow {
	const unknown = "–"
	of := func(n, all int) string {
		if all == 0 {
			return unknown
		}
		return grouped(n) + " of " + grouped(all)
	}
	line := layerRow{
		Index: index, Heads: unknown, HeadIDs: unknown, Neurons: of(l.Neurons, l.AllNeurons),
		Attention: of(l.Attention.Kept, l.Attention.All), FeedForward: of(l.FeedForward.Kept, l.FeedForward.All),
		Removed: percent(l.Kept().Sparsity()), Bytes: unknown,
	}
	if l.Heads != nil {
		line.Heads, line.HeadIDs = of(len(l.Heads), l.AllHeads), joinInts(l.Heads)
	}
	if l.Bytes > 0 {
		line.Bytes = grouped(l.Bytes)
	}
	return line
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

func wholePercent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

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
