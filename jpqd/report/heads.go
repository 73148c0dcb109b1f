package report

import (
	"fmt"
	"image/color"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxDrawnHeads is how many heads a layer of the figure has room for.
const maxDrawnHeads = 128

// headGrid is a cell for every head of every layer, the first layer at the top.
type headGrid struct{ layers []Layer }

// headsFigure shows which heads are kept; nil where no layer tells.
func headsFigure(layers []Layer) *figure {
	heads, kept, all := 0, 0, 0
	for i := range layers {
		l := &layers[i]
		heads, kept = max(heads, l.AllHeads), kept+len(l.Heads)
		if l.Heads != nil {
			all += l.AllHeads
		}
	}
	if all == 0 || heads > maxDrawnHeads || len(layers) > maxDrawnLayers {
		return nil
	}
	p := newPanel("layer")
	p.X.Label.Text = "head"
	p.Add(headGrid{layers})
	layerAxis(&p.X, heads)
	layerAxis(&p.Y, len(layers))
	p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	p.legend.XOffs = 1.7 * vg.Centimeter // the counts stand before it
	p.legend.Add("kept", cell{palette[0]})
	p.legend.Add("pruned", cell{color.White})
	return &figure{
		name: "heads", title: "Attention heads kept in each layer", panels: []*panel{p},
		height: max(3*vg.Centimeter, min(0.7, 18/vg.Length(len(layers)))*vg.Centimeter*vg.Length(len(layers))),
		caption: fmt.Sprintf("Each row is a layer, each cell one of its attention heads: a filled cell was kept, an empty one was pruned. %d of %d heads are kept; the count of a layer stands behind its row.",
			kept, all),
	}
}

// Plot draws the cells.
func (g headGrid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := p.X.Tick.Label
	style.Font = sans(9)
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	for i := range g.layers {
		l := &g.layers[i]
		for head := range l.AllHeads {
			if l.Heads == nil {
				break
			}
			box := cell{color.White}
			if slices.Contains(l.Heads, head) {
				box.color = palette[0]
			}
			left, right := x(float64(head)-0.42), x(float64(head)+0.42)
			low, high := y(float64(i)+0.42), y(float64(i)-0.42)
			box.fill(c, left, low, right, high)
		}
		count := "unknown"
		if l.Heads != nil {
			count = strconv.Itoa(len(l.Heads)) + " of " + strconv.Itoa(l.AllHeads)
		}
		c.FillText(style, vg.Point{X: c.Max.X + vg.Millimeter, Y: y(float64(i))}, count)
	}
}

// cell is a box of the grid, and its example in the legend.
type cell struct{ color color.Color }

func (b cell) fill(c draw.Canvas, left, low, right, high vg.Length) {
	corners := []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}}
	c.FillPolygon(b.color, corners)
	c.StrokeLines(draw.LineStyle{Color: darkGray, Width: vg.Points(0.6)}, append(corners, corners[0]))
}

// Thumbnail draws the example.
func (b cell) Thumbnail(c *draw.Canvas) {
	b.fill(*c, c.Min.X, c.Min.Y, c.Min.X+c.Max.Y-c.Min.Y, c.Max.Y)
}
