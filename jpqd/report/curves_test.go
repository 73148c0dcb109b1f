package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/jpqd"
)

// published is the trajectory of the published SST-2 run (the specification's
// §8): warm-up from step 2105 to 4210. The sparsities are made up.
func published() History {
	return History{
		"eval_accuracy": {{2000, 0.9266}, {3500, 0.8429}, {4000, 0.8578}, {4250, 0.9048}, {5000, 0.912}},
		"eval_loss":     {{2000, 0.1968}, {4000, 14.1024}, {4250, 0.3354}},
		linearSparsity:  {{2000, 0}, {3000, 0.5}, {4000, 0.625}, {4250, 0.375}, {5000, 0.375}},
		modelSparsity:   {{2000, 0}, {5000, 0.3}},
		regulariserKey:  {{2000, 0}, {4000, 13.6}, {4250, 0}},
		"epoch":         {{2105, 1}, {4210, 2}},
	}
}

// texts are the texts of an SVG document, which it must be.
func texts(t *testing.T, doc []byte) string {
	t.Helper()
	var found strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		token, err := d.Token()
		if token == nil {
			return found.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			found.WriteString(strings.TrimSpace(string(data)) + "\n")
		}
	}
}

// stroke finds the lines of a colour, at the width that curves have.
func stroke(doc []byte, color string) [][][2]float64 {
	var lines [][][2]float64
	for _, path := range regexp.MustCompile(`<path d="M([^"A]*)" style="[^"]*stroke:`+color+`;stroke-width:1.4[;"]`).FindAllSubmatch(doc, -1) {
		var line [][2]float64
		for _, point := range strings.Split(string(path[1]), "L") {
			x, y, _ := strings.Cut(point, ",")
			a, _ := strconv.ParseFloat(x, 64)
			b, _ := strconv.ParseFloat(y, 64)
			line = append(line, [2]float64{a, b})
		}
		lines = append(lines, line)
	}
	return lines
}

// A curve's points stand where their numbers belong: from the first and the
// last step, and from the two values of 0 and of 0.625, follow all others.
func TestCurvePositions(t *testing.T) {
	h := published()
	f, err := curveFigure("x", "x", []curvePanel{sparsityPanel}, h, &Stages{2105, 4210})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := f.svg()
	if err != nil {
		t.Fatal(err)
	}
	lines := stroke(doc, "#0072B2")
	if len(lines) == 0 || len(lines[0]) != 5 {
		t.Fatalf("found lines %v, want one of five points", lines)
	}
	line := lines[0]
	perStep := (line[4][0] - line[0][0]) / (5000 - 2000)
	perUnit := (line[2][1] - line[0][1]) / 0.625
	if perStep <= 0 || perUnit <= 0 {
		t.Fatalf("found a line that does not rise to the right: %v", line)
	}
	for i, p := range h[linearSparsity] {
		x, y := line[0][0]+(p.Step-2000)*perStep, line[0][1]+p.Value*perUnit
		if math.Abs(line[i][0]-x) > 0.05 || math.Abs(line[i][1]-y) > 0.05 { // of a point; the file has five digits
			t.Errorf("point %d: found %v, want (%.2f, %.2f)", i, line[i], x, y)
		}
	}
	for _, want := range []string{"pre-warm-up", "warm-up", "post-warm-up", "optimizer step", "sparsity (%)", "100", "5000", "Linear layers", "whole model"} {
		if !strings.Contains(texts(t, doc), want+"\n") {
			t.Errorf("the figure does not contain %q:\n%s", want, texts(t, doc))
		}
	}
}

func TestTrajectory(t *testing.T) {
	r := &Run{History: published(), Stages: &Stages{2105, 4210}, Sparse: true}
	figures, err := r.figures()
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 2 || len(figures[0].panels) != 3 || len(figures[1].panels) != 1 {
		t.Fatalf("found %d figures, want trajectory (sparsity, metric, loss) and schedule (sparsity)", len(figures))
	}
	for _, want := range []string{
		"At step 4000, the last one logged in warm-up, 62.50 % of the Linear layers' parameters were masked; with final masks it is 37.50 %.",
		"eval_accuracy was 0.9266 before warm-up (step 2000), 0.8578 at its end (step 4000) and is 0.912 at step 5000.",
	} {
		if !strings.Contains(figures[0].caption, want) {
			t.Errorf("found %q, want …%s…", figures[0].caption, want)
		}
	}
	for _, f := range figures {
		data, err := f.png()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
	}
}

func TestStages(t *testing.T) {
	half := History{"epoch": {{50, 0.5}, {200, 2}}} // 100 optimizer steps an epoch
	for _, test := range []struct {
		name       string
		start, end float64
		configured int // steps_per_epoch
		counted    int // by the schedule
		history    History
		want       *Stages
	}{
		{"counted", 1, 2, 0, 2105, nil, &Stages{2105, 4210}},
		{"parts of epochs", 1.5, 2.26, 0, 7, nil, &Stages{10, 15}}, // ⌊10.5⌋, ⌊15.82⌋
		{"configured, from the first step", 0, 1, 40, 0, nil, &Stages{0, 40}},
		{"counting takes epoch 0", 0, 2, 0, 40, nil, &Stages{40, 80}},
		{"only the log tells", 1, 2, 0, 0, half, &Stages{100, 200}},
		// Of 401 batches in groups of four, 101 groups begin and 100.25 end: the log has 100.
		{"groups that are cut short", 1, 2, 0, 101, half, &Stages{100, 200}},
		{"unknown", 1, 2, 0, 0, nil, nil},
		{"a log without epochs", 1, 2, 0, 0, History{"epoch": {{0, 0}}}, nil},
		{"beyond all bounds", 1, 1e300, 0, 5, nil, nil},
	} {
		got := stagesOf(&jpqd.MovementSparsityConfig{WarmupStartEpoch: test.start, WarmupEndEpoch: test.end, StepsPerEpoch: test.configured}, test.counted, test.history)
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: found %v, want %v", test.name, got, test.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{0, 100, "0 20 40 60 80 100"},
		{0, 3000, "0 1000 2000 3000"},
		{-0.014, 0.001, "-0.010 -0.005 0.000"},
		{0.915, 0.9375, "0.915 0.920 0.925 0.930 0.935"},
		{0, 5e-5, "0 1e-05 2e-05 3e-05 4e-05 5e-05"},
		{0, 4e7, "0 1e+07 2e+07 3e+07 4e+07"},
	} {
		var labels []string
		for _, tick := range (ticks{}).Ticks(test.low, test.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("from %v to %v: found %s, want %s", test.low, test.high, got, test.want)
		}
	}
}

func TestThin(t *testing.T) {
	var points []Point
	for i := range 5000 {
		points = append(points, Point{float64(i), 1})
	}
	points[3333].Value, points[4444].Value = -7, 9
	kept := thin(points, 1000)
	low, high := 0, 0
	for i, p := range kept {
		if i > 0 && p.Step <= kept[i-1].Step {
			t.Fatalf("step %v comes after %v", p.Step, kept[i-1].Step)
		}
		if p == points[3333] {
			low++
		}
		if p == points[4444] {
			high++
		}
	}
	if len(kept) > 1000 || low != 1 || high != 1 {
		t.Errorf("found %d points, %d times the lowest and %d times the highest, want at most 1000 and each once", len(kept), low, high)
	}
}

// Whatever numbers a log has, the figures are drawn and have no number that is none.
func TestAnyHistory(t *testing.T) {
	value := rapid.OneOf(rapid.Float64Range(-1, 1), rapid.Float64Range(-maxDrawn, maxDrawn), rapid.SampledFrom([]float64{0, 1, maxDrawn, -maxDrawn, 1e-300, 5e-324}))
	step := rapid.OneOf(rapid.Float64Range(0, 1000), rapid.SampledFrom([]float64{0, 1, 1 << 53}))
	rapid.Check(t, func(t *rapid.T) {
		s := &state{history: History{}}
		for range rapid.IntRange(1, 8).Draw(t, "entries") {
			entry := map[string]any{"step": step.Draw(t, "step")}
			for _, key := range []string{"loss", "eval_f1", "epoch", linearSparsity, thresholdKey, regulariserKey} {
				entry[key] = value.Draw(t, key)
			}
			if err := s.add(entry); err != nil {
				t.Fatal(err)
			}
		}
		cfg := &jpqd.MovementSparsityConfig{WarmupStartEpoch: 1, WarmupEndEpoch: 2}
		r := &Run{History: s.history, Sparse: true, Stages: stagesOf(cfg, 0, s.history)}
		figures, err := r.figures()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range figures {
			doc, err := f.svg()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(doc, []byte("NaN")) || bytes.Contains(doc, []byte("Inf")) {
				t.Fatalf("figure %s has a number that is none", f.name)
			}
		}
	})
}
