package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"path"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/go-jpqd/jpqd/jpqd"
)

// curve is one drawing: the keys of log_history that has says yes to, against the step.
type curve struct {
	title string
	has   func(key string) bool
}

// curves are the drawings of a page, in order; those without data are left out.
var curves = []curve{
	{"Loss", func(key string) bool { return key == "loss" || strings.HasSuffix(key, "_loss") && key != "train_loss" }},
	{"Evaluation", func(key string) bool {
		return strings.HasPrefix(key, "eval_") && !strings.HasSuffix(key, "loss") && !slices.Contains(costs, strings.TrimPrefix(key, "eval_"))
	}},
	{"Sparsity", func(key string) bool { return strings.HasSuffix(key, "sparsity") }},
	{"Learning rate", func(key string) bool { return key == "learning_rate" }},
}

// costs are the keys of an evaluation that say what it took, not what came of it.
var costs = []string{"runtime", "samples", "samples_per_second", "steps_per_second"}

// palette is Okabe and Ito's, which colour-blind readers can tell apart.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// svg returns the curve as an SVG element, or "" if the history has no point of it.
func (c *curve) svg(history []jpqd.LogEntry) (template.HTML, error) {
	p := plot.New()
	p.Title.Text = c.title
	p.X.Label.Text = "step"
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	lines := 0
	for _, key := range c.match(history) {
		points := pointsOf(history, key)
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return "", fmt.Errorf("report: curve of %s: %w", key, err)
		}
		line.Color = palette[lines%len(palette)]
		line.Width = vg.Points(1.3)
		p.Add(line)
		p.Legend.Add(path.Base(key), line)
		lines++
	}
	if lines == 0 {
		return "", nil
	}
	p.X.Min = 0
	p.Y.Max += float64(lines) * 0.08 * (p.Y.Max - p.Y.Min) // room for the legend
	canvas := vgsvg.New(18*vg.Centimeter, 8*vg.Centimeter)
	const margin = 3 * vg.Millimeter
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return "", fmt.Errorf("report: curve %s: %w", c.title, err)
	}
	// The XML prologue has no place inside an HTML page.
	_, body, found := strings.Cut(text.String(), "<svg")
	if !found {
		return "", fmt.Errorf("report: curve %s: the drawing has no <svg> element", c.title)
	}
	return template.HTML("<svg" + body), nil // vgsvg escapes every text
}

// match is the keys of the history that belong to the curve, sorted.
func (c *curve) match(history []jpqd.LogEntry) []string {
	var found []string
	for _, entry := range history {
		for key := range entry {
			if c.has(key) && !slices.Contains(found, key) {
				found = append(found, key)
			}
		}
	}
	slices.Sort(found)
	return found
}

// pointsOf is a key's finite values against their steps.
func pointsOf(history []jpqd.LogEntry, key string) plotter.XYs {
	var points plotter.XYs
	for _, entry := range history {
		step, hasStep := number(entry["step"])
		value, hasValue := number(entry[key])
		if hasStep && hasValue && !math.IsNaN(value) && !math.IsInf(value, 0) {
			points = append(points, plotter.XY{X: step, Y: value})
		}
	}
	return points
}
