package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// figure is one picture: panels below each other with one common X axis.
type figure struct {
	name    string // of its file
	title   string
	caption string // a sentence or two
	panels  []*panel
	height  vg.Length // of a panel
}

// panel is one plot with its legend at the right.
type panel struct {
	*plot.Plot
	legend plot.Legend
}

// Sizes of a figure. The legends stand in a margin of their own, where they
// hide nothing.
const (
	figureWidth  = 20 * vg.Centimeter
	legendWidth  = 5 * vg.Centimeter
	figureMargin = 3 * vg.Millimeter
	panelGap     = 3 * vg.Millimeter
)

// palette is Okabe and Ito's, which colour-blind readers can tell apart.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// Colours of what is gone, or was there before.
var (
	paleBlue   = color.RGBA{0xcc, 0xe3, 0xf0, 0xff}
	paleOrange = color.RGBA{0xf7, 0xdf, 0xcc, 0xff}
	darkGray   = color.RGBA{0x55, 0x55, 0x55, 0xff}
	lightGray  = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
)

// newPanel makes an empty plot with a label of its Y axis.
func newPanel(yLabel string) *panel {
	p := &panel{Plot: plot.New(), legend: plot.NewLegend()}
	p.Y.Label.Text = yLabel
	p.legend.Top, p.legend.Left = true, true
	p.legend.Padding = vg.Millimeter
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.legend.TextStyle,
	} {
		style.Font = sans(style.Font.Size)
	}
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = 10, 10
	p.legend.TextStyle.Font.Size = 10
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	return p
}

func sans(size font.Length) font.Font {
	f := plot.DefaultFont
	f.Variant, f.Size = "Sans", size
	return f
}

// axis makes room for values from low to high: a margin, and a width even where
// there is one value only.
func axis(a *plot.Axis, low, high float64) {
	if width := high - low; width <= 1e-9*max(math.Abs(low), math.Abs(high)) {
		margin := max(0.05*math.Abs(low), 1e-6)
		low, high = low-margin, high+margin
	}
	a.Min, a.Max = low, high
}

// ticks are at multiples of 1, 2 or 5 times a power of ten.
type ticks struct{}

func (ticks) Ticks(low, high float64) []plot.Tick {
	const wanted = 4
	unit := math.Pow(10, math.Floor(math.Log10((high-low)/wanted)))
	step := unit
	for _, factor := range []float64{2, 5, 10} {
		if (high-low)/step > wanted+1 {
			step = factor * unit
		}
	}
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	var found []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step && len(found) < 12; i++ {
		found = append(found, plot.Tick{Value: i*step + 0, Label: tickLabel(i*step+0, step)}) // + 0 makes a zero of −0
	}
	return found
}

// tickLabel writes a multiple of step with as many places as step has.
func tickLabel(v, step float64) string {
	if size := max(math.Abs(v), step); size >= 1e6 || step < 1e-4 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	places := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	return strconv.FormatFloat(v, 'f', places, 64)
}

// unlabelled are the same ticks without text, for panels above others.
type unlabelled struct{ plot.Ticker }

func (t unlabelled) Ticks(low, high float64) []plot.Tick {
	found := t.Ticker.Ticks(low, high)
	for i := range found {
		found[i].Label = ""
	}
	return found
}

// size is the figure's.
func (f *figure) size() (width, height vg.Length) {
	n := vg.Length(len(f.panels))
	return figureWidth, n*f.height + (n-1)*panelGap + 2*vg.Centimeter // title and labels of the X axis
}

// draw fills the canvas.
func (f *figure) draw(whole draw.Canvas) {
	whole.FillPolygon(color.White, []vg.Point{whole.Min, {X: whole.Max.X, Y: whole.Min.Y}, whole.Max, {X: whole.Min.X, Y: whole.Max.Y}})
	plots := make([][]*plot.Plot, len(f.panels))
	for i, p := range f.panels {
		plots[i] = []*plot.Plot{p.Plot}
		if i == 0 {
			p.Title.Text, p.Title.Padding = f.title, 5*vg.Millimeter // the names of the stages stand there
		}
		if i < len(f.panels)-1 {
			p.X.Label.Text, p.X.Tick.Marker = "", unlabelled{p.X.Tick.Marker}
		}
	}
	canvas := draw.Crop(whole, figureMargin, -figureMargin-legendWidth, figureMargin, -figureMargin)
	for i, tile := range plot.Align(plots, draw.Tiles{Cols: 1, Rows: len(plots), PadY: panelGap}, canvas) {
		p := f.panels[i]
		p.Draw(tile[0])
		margin := p.DataCanvas(tile[0])
		margin.Min.X, margin.Max.X = whole.Max.X-legendWidth, whole.Max.X
		p.legend.Draw(margin)
	}
}

// svg is the figure as an SVG document.
func (f *figure) svg() ([]byte, error) {
	canvas := vgsvg.New(f.size())
	f.draw(draw.New(canvas))
	var doc bytes.Buffer
	if _, err := canvas.WriteTo(&doc); err != nil {
		return nil, fmt.Errorf("report: figure %s: %w", f.name, err)
	}
	// Where Liberation Sans is not installed, a font of the same widths.
	return bytes.ReplaceAll(doc.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), nil
}

// png is the figure as an image of 200 dots an inch.
func (f *figure) png() ([]byte, error) {
	width, height := f.size()
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(200))
	f.draw(draw.New(canvas))
	var image bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&image); err != nil {
		return nil, fmt.Errorf("report: figure %s: %w", f.name, err)
	}
	return image.Bytes(), nil
}
