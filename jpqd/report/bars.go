package report

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxDrawnLayers is how many layers a figure has room for.
const maxDrawnLayers = 128

// series is one value a layer.
type series struct {
	name   string
	color  color.Color
	values plotter.Values
}

// bars draws two groups of bars for each layer, beside each other: what is kept
// and what was there before. The series of a group stand on each other. labels
// are written above the first group.
func bars(yLabel string, kept, before []series, labels []string) (*panel, error) {
	p := newPanel(yLabel)
	p.X.Label.Text = "layer"
	n := len(labels)
	room := (figureWidth - legendWidth - 2*vg.Centimeter) / vg.Length(n)
	width := min(0.38*room, 8*vg.Millimeter)
	top := 0.0
	heights := make([]float64, n)
	for g, group := range [][]series{kept, before} {
		var below *plotter.BarChart
		sums := make([]float64, n)
		for _, s := range group {
			chart, err := plotter.NewBarChart(s.values, width)
			if err != nil {
				return nil, fmt.Errorf("report: %s: %w", s.name, err)
			}
			chart.Color, chart.LineStyle.Width, chart.LineStyle.Color = s.color, vg.Points(0.4), darkGray
			chart.Offset = width * (vg.Length(g) - 0.5)
			if below != nil {
				chart.StackOn(below)
			}
			below = chart
			p.Add(chart)
			p.legend.Add(s.name, chart)
			for i, v := range s.values {
				sums[i] += v
				top = max(top, sums[i])
			}
		}
		if g == 0 {
			copy(heights, sums)
		}
	}
	p.Add(barLabels{heights, labels, -width / 2})
	axis(&p.Y, 0, max(1.12*top, 1e-3))
	layerAxis(&p.X, n)
	return p, nil
}

// barLabels are texts above the bars of the first group.
type barLabels struct {
	heights []float64
	labels  []string
	offset  vg.Length
}

// Plot draws the labels, upright where there is no room beside each other.
func (b barLabels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := p.X.Tick.Label
	style.Font = sans(8)
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	for i, label := range b.labels {
		if style.Width(label) > 0.95*(c.Max.X-c.Min.X)/vg.Length(len(b.labels)) {
			style.Rotation, style.XAlign, style.YAlign = math.Pi/2, draw.XLeft, draw.YCenter
		}
		c.FillText(style, vg.Point{X: x(float64(i)) + b.offset, Y: y(b.heights[i]) + vg.Millimeter/2}, label)
	}
}

// layerAxis numbers layers.
func layerAxis(a *plot.Axis, n int) {
	every := max(1, n/24)
	var numbers plot.ConstantTicks
	for i := 0; i < n; i += every {
		numbers = append(numbers, plot.Tick{Value: float64(i), Label: strconv.Itoa(i)})
	}
	a.Tick.Marker = numbers
	a.Min, a.Max = -0.6, float64(n)-0.4
}

// parametersFigure shows parameters kept in each layer; nil without layers.
func parametersFigure(layers []Layer) (*figure, error) {
	if len(layers) == 0 || len(layers) > maxDrawnLayers {
		return nil, nil
	}
	most := 0
	for i := range layers {
		most = max(most, layers[i].Kept().All)
	}
	unit, name := 1e3, "thousands"
	if most >= 1e6 {
		unit, name = 1e6, "millions"
	}
	var values [4]plotter.Values
	var labels []string
	for i := range layers {
		l := &layers[i]
		for j, n := range []int{l.Attention.Kept, l.FeedForward.Kept, l.Attention.All, l.FeedForward.All} {
			values[j] = append(values[j], float64(n)/unit)
		}
		labels = append(labels, wholePercent(1-l.Kept().Sparsity()))
	}
	p, err := bars("parameters ("+name+")",
		[]series{{"attention, kept", palette[0], values[0]}, {"feed-forward, kept", palette[1], values[1]}},
		[]series{{"attention, before", paleBlue, values[2]}, {"feed-forward, before", paleOrange, values[3]}}, labels)
	if err != nil {
		return nil, err
	}
	sum := total(layers)
	return &figure{
		name: "parameters", title: "Parameters kept in each layer", panels: []*panel{p}, height: 7 * vg.Centimeter,
		caption: fmt.Sprintf("Weights and biases of each layer's Linears that pruning kept, beside those that were there before: %s of %s in all layers, %s.",
			grouped(sum.Kept), grouped(sum.All), percent(1-sum.Sparsity())),
	}, nil
}

// neuronsFigure shows feed-forward neurons kept in each layer; nil where they are unknown.
func neuronsFigure(layers []Layer) (*figure, error) {
	if len(layers) == 0 || len(layers) > maxDrawnLayers {
		return nil, nil
	}
	var kept, before plotter.Values
	var labels []string
	all, left := 0, 0
	for i := range layers {
		l := &layers[i]
		kept, before = append(kept, float64(l.Neurons)), append(before, float64(l.AllNeurons))
		labels = append(labels, strconv.Itoa(l.Neurons))
		all, left = all+l.AllNeurons, left+l.Neurons
	}
	if all == 0 {
		return nil, nil
	}
	p, err := bars("neurons", []series{{"kept", palette[1], kept}}, []series{{"before", paleOrange, before}}, labels)
	if err != nil {
		return nil, err
	}
	return &figure{
		name: "neurons", title: "Feed-forward neurons kept in each layer", panels: []*panel{p}, height: 6 * vg.Centimeter,
		caption: fmt.Sprintf("Neurons of each layer's feed-forward part that were kept, beside those that were there before: %s of %s in all layers.", grouped(left), grouped(all)),
	}, nil
}
