package report

import (
	"fmt"
	"image/color"
	"path"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxCurvePoints is how many points a curve is drawn with; a run that logs more
// is thinned.
const maxCurvePoints = 1000

// maxCurves is how many curves a panel has room for.
const maxCurves = 8

const movement = "compression/movement_sparsity/"

// Keys of log_history.
const (
	linearSparsity = movement + "linear_layer_sparsity"
	modelSparsity  = movement + "model_sparsity"
	thresholdKey   = movement + "importance_threshold"
	expectedKey    = movement + "expected_sparsity" // of --target_sparsity
	factorKey      = movement + "importance_regularization_factor"
	regulariserKey = "compression_loss"
)

// curvePanel says which keys of the log a panel shows.
type curvePanel struct {
	label   string
	has     func(key string) bool
	percent bool // values are shares; the axis goes from 0 to 100 %
	zero    bool // the axis begins at 0
}

func is(keys ...string) func(string) bool {
	return func(key string) bool { return slices.Contains(keys, key) }
}

// costs are the keys of an evaluation that say what it took, not what came of it.
var costs = []string{"runtime", "samples", "samples_per_second", "steps_per_second"}

func isMetric(key string) bool {
	name, ok := strings.CutPrefix(key, "eval_")
	return ok && !strings.Contains(name, "loss") && !slices.Contains(costs, name)
}

// isTotal says of a loss that the regulariser is in it, or that it is the regulariser.
var isTotal = is("loss", regulariserKey, "eval_loss", "eval_compression_loss")

// isLoss says of a key that it is a loss of steps; train_loss is that of the whole run.
func isLoss(key string) bool {
	return key != "train_loss" && (strings.HasSuffix(key, "_loss") || strings.HasPrefix(key, "eval_loss_"))
}

// Panels of the two figures over steps.
var (
	sparsityPanel   = curvePanel{label: "sparsity (%)", has: is(linearSparsity, modelSparsity, expectedKey), percent: true}
	trajectoryParts = []curvePanel{
		sparsityPanel,
		{label: "evaluation metric", has: isMetric},
		{label: "loss, all terms", has: isTotal, zero: true},
		{label: "loss of task, teacher", has: func(key string) bool { return isLoss(key) && !isTotal(key) }, zero: true},
	}
	scheduleParts = []curvePanel{
		sparsityPanel,
		{label: "threshold τ", has: is(thresholdKey)},
		{label: "factor λ", has: is(factorKey), zero: true},
		{label: "learning rate", has: is("learning_rate"), zero: true},
	}
)

// curveNames are what legends call keys of the log.
var curveNames = map[string]string{
	linearSparsity: "Linear layers", modelSparsity: "whole model", expectedKey: "expected at the end", thresholdKey: "threshold τ", factorKey: "factor λ",
	"loss": "training, all terms", regulariserKey: "training, regulariser", "eval_loss": "evaluation, all terms", "eval_compression_loss": "evaluation, regulariser",
	"task_loss": "training, task", "distillation_loss": "training, teacher", "eval_task_loss": "evaluation, task", "eval_distillation_loss": "evaluation, teacher",
	"eval_loss_without_compression": "evaluation, both",
	"learning_rate":                 "learning rate",
}

// curveFigure draws panels over steps, those that have data; nil if none has.
func curveFigure(name, title string, parts []curvePanel, h History, stages *Stages) (*figure, error) {
	f := &figure{name: name, title: title, height: 4.4 * vg.Centimeter}
	last := 1.0
	for _, part := range parts {
		for _, key := range h.matching(part.has) {
			last = max(last, h[key][len(h[key])-1].Step)
		}
	}
	for _, part := range parts {
		p, err := part.draw(h, stages, last, len(f.panels) == 0)
		if err != nil {
			return nil, fmt.Errorf("report: figure %s: %w", name, err)
		}
		if p == nil {
			continue
		}
		f.panels = append(f.panels, p)
	}
	if f.panels == nil {
		return nil, nil
	}
	return f, nil
}

// draw makes the panel with an axis of last steps; nil without data. named says
// that it is the one that names the stages.
func (c *curvePanel) draw(h History, stages *Stages, last float64, named bool) (*panel, error) {
	keys := h.matching(c.has)
	if len(keys) == 0 {
		return nil, nil
	}
	p := newPanel(c.label)
	if stages != nil {
		p.addStages(*stages, last, named)
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = lightGray, lightGray
	p.Add(grid)
	low, high := h[keys[0]][0].Value, h[keys[0]][0].Value
	for i, key := range keys[:min(len(keys), maxCurves)] {
		points := make(plotter.XYs, 0, len(h[key]))
		for _, q := range thin(h[key], maxCurvePoints) {
			low, high = min(low, q.Value), max(high, q.Value)
			points = append(points, plotter.XY{X: q.Step, Y: q.Value})
		}
		if c.percent {
			for j := range points {
				points[j].Y *= 100
			}
		}
		if err := p.addCurve(key, points, i); err != nil {
			return nil, err
		}
	}
	p.X.Label.Text = "optimizer step"
	axis(&p.X, 0, last)
	switch {
	case c.percent:
		axis(&p.Y, 0, 100)
	case c.zero && low >= 0:
		axis(&p.Y, 0, 1.05*high)
	default:
		margin := 0.05 * (high - low)
		axis(&p.Y, low-margin, high+margin)
	}
	return p, nil
}

// addCurve adds the i-th line of a panel. Lines differ in colour and in dashes,
// few points are marked; the regulariser is an area, a part of the loss above it.
func (p *panel) addCurve(key string, points plotter.XYs, i int) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	line.Color = palette[i%len(palette)]
	line.Width = vg.Points(1.4)
	line.Dashes = [][]vg.Length{nil, {vg.Points(5), vg.Points(2)}, {vg.Points(1.5), vg.Points(2)}}[i%3]
	if key == regulariserKey {
		line.FillColor = paleBlue
	}
	p.Add(line)
	name, ok := curveNames[key]
	if !ok {
		name = strings.TrimPrefix(path.Base(key), "eval_")
	}
	thumbnails := []plot.Thumbnailer{line}
	if len(points) <= 40 {
		marks := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: line.Color, Radius: vg.Points(2), Shape: shapes[i%len(shapes)]}}
		p.Add(marks)
		thumbnails = append(thumbnails, marks)
	}
	p.legend.Add(shorten(name, 24), thumbnails...)
	return nil
}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}}

// shorten cuts a name that the legend has no room for, and takes out what is not
// to be seen.
func shorten(name string, length int) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return name
}

// thin keeps at most n points, of every run of neighbours the lowest and the highest.
func thin(points []Point, n int) []Point {
	if len(points) <= n {
		return points
	}
	kept := make([]Point, 0, n)
	buckets := n / 2
	for b := range buckets {
		part := points[b*len(points)/buckets : (b+1)*len(points)/buckets]
		low, high := 0, 0
		for i, p := range part {
			if p.Value < part[low].Value {
				low = i
			}
			if p.Value > part[high].Value {
				high = i
			}
		}
		kept = append(kept, part[min(low, high)])
		if low != high {
			kept = append(kept, part[max(low, high)])
		}
	}
	return kept
}

// stageBand shades the steps of a stage and, at the top of a figure, names it.
type stageBand struct {
	from, to float64
	color    color.Color
	name     string
}

// addStages shades the stages; what is added later stands before them.
func (p *panel) addStages(s Stages, last float64, named bool) {
	for _, band := range []stageBand{
		{0, s.WarmupStart, color.RGBA{0xf2, 0xf2, 0xf2, 0xff}, "pre-warm-up"},
		{s.WarmupStart, s.WarmupEnd, color.RGBA{0xfd, 0xf3, 0xd8, 0xff}, "warm-up"},
		{s.WarmupEnd, last, color.RGBA{0xe6, 0xf4, 0xef, 0xff}, "post-warm-up"},
	} {
		band.to = min(band.to, last)
		if band.from >= band.to {
			continue
		}
		if !named {
			band.name = ""
		}
		p.Add(band)
	}
}

// Plot draws the band.
func (b stageBand) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	left, right := x(b.from), x(b.to)
	c.FillPolygon(b.color, []vg.Point{{X: left, Y: c.Min.Y}, {X: right, Y: c.Min.Y}, {X: right, Y: c.Max.Y}, {X: left, Y: c.Max.Y}})
	style := p.X.Tick.Label
	style.Font, style.Color = sans(8), darkGray
	if b.name == "" || style.Width(b.name) > right-left {
		return
	}
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	c.FillText(style, vg.Point{X: (left + right) / 2, Y: c.Max.Y + vg.Millimeter/2}, b.name)
}
