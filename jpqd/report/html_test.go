package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// pruned is a compressed model of one layer: hidden 4, 1 of 2 heads of 2 and
// 3 of 8 neurons kept, the feed-forward part in 8 bits.
func pruned() *jpqd.Compressed {
	float := func(rows, cols int) jpqd.CompressedMatrix {
		m := jpqd.CompressedMatrix{Rows: rows, Cols: cols, F32: make([]float32, rows*cols)}
		for i := range m.F32 {
			m.F32[i] = 1
		}
		return m
	}
	linear := func(rows, cols int) jpqd.CompressedLinear {
		return jpqd.CompressedLinear{Weight: float(rows, cols), Bias: make([]float32, rows)}
	}
	quantized := func(rows, cols int) jpqd.CompressedLinear {
		i8 := make([]int8, rows*cols)
		for i := 1; i < len(i8); i++ { // the first element stays zero
			i8[i] = 5
		}
		return jpqd.CompressedLinear{
			Weight: jpqd.CompressedMatrix{Rows: rows, Cols: cols, I8: i8, Scale: make([]float32, rows)},
			Bias:   make([]float32, rows),
		}
	}
	norm := jpqd.CompressedNorm{Gamma: make([]float32, 4), Beta: make([]float32, 4)}
	config := bert.DefaultConfig()
	config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 4, 1, 2, 8
	return &jpqd.Compressed{
		Config:     config,
		Embeddings: jpqd.CompressedEmbeddings{Word: float(10, 4), Position: float(6, 4), TokenType: float(2, 4), Norm: norm},
		Layers: []jpqd.CompressedLayer{{
			Heads: []int{1}, Neurons: []int{0, 4, 7},
			Query: linear(2, 4), Key: linear(2, 4), Value: linear(2, 4), Output: linear(4, 2),
			FFNIn: quantized(3, 4), FFNOut: quantized(4, 3),
			AttentionNorm: norm, OutputNorm: norm,
		}},
		Pooler: linear(4, 4), Classifier: linear(2, 4),
	}
}

func TestMeasure(t *testing.T) {
	s := Measure(pruned())
	want := LayerSize{
		Heads: 1, AllHeads: 2, Neurons: 3, AllNeurons: 8,
		Weights: 4*8 + 2*12, AllWeights: 4*16 + 2*32, Zeros: 2,
		// four float matrices of 8 with biases of 2, 2, 2, 4; two of 12 bytes with scales and biases of 3 and 4
		Bytes: 4*(4*8) + 4*(2+2+2+4) + 2*12 + 4*(3+4) + 4*(3+4),
	}
	if s.Layers[0] != want {
		t.Errorf("layer 0: got %+v, want %+v", s.Layers[0], want)
	}
	if got, want := s.Removed(), 1-56.0/128; got != want {
		t.Errorf("removed: got %v, want %v", got, want)
	}
	if got, want := s.Sparsity(), 1-54.0/128; got != want {
		t.Errorf("sparsity: got %v, want %v", got, want)
	}
	if s.Quantized != 2 || s.AllMatrices != 11 {
		t.Errorf("matrices in 8 bits: got %d of %d, want 2 of 11", s.Quantized, s.AllMatrices)
	}
	// embeddings 18·4, layer 56 + biases 6+4+3+4, three norms of 8, pooler 16+4, classifier 8+2
	if got, want := s.Parameters, 72+56+17+24+20+10; got != want {
		t.Errorf("parameters: got %d, want %d", got, want)
	}
	var none Sizes
	if none.Removed() != 0 || none.Sparsity() != 0 {
		t.Errorf("a model without layers: removed %v, sparsity %v, want 0", none.Removed(), none.Sparsity())
	}
}

func TestWriteHTML(t *testing.T) {
	const hostile = `<script>alert("x")</script>&'`
	compressed := pruned()
	sizes := Measure(compressed)
	r := &Run{
		Title: hostile, Notes: []string{"note " + hostile},
		Args:    map[string]json.RawMessage{"run_name": json.RawMessage(`"<script>x</script>"`), "seed": json.RawMessage("4711"), "greater_is_better": json.RawMessage("null")},
		Results: map[string]float64{"eval_accuracy": 0.921875, "eval_samples": 872},
		History: History{
			"loss": {{10, 0.5}, {20, 0.25}}, "learning_rate": {{10, 1e-5}, {20, 5e-6}},
			"eval_" + hostile + "\x00\n": {{20, 0.5}}, linearSparsity: {{20, 0.1}}, "eval_accuracy": {{20, 0.9}},
		},
		Sparse: true, Stages: &Stages{5, 15}, Sizes: &sizes, Layers: layersOf(compressed, &sizes, nil),
	}
	page := writePage(t, r)
	for _, want := range []string{"0.921875", "872", "1 of 2", "3 of 8", "56.25 %", "56 of 128", "<svg", "eval_accuracy", "4711", "note &lt;script"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	for _, not := range []string{"<script", "greater_is_better", "\x00"} {
		if strings.Contains(page, not) {
			t.Errorf("the page contains %q", not)
		}
	}
	if n := strings.Count(page, "<svg"); n != 5 {
		t.Errorf("%d drawings, want trajectory, schedule, parameters, heads and neurons", n)
	}
}

// writePage writes the page, and checks that it is whole and needs nothing else.
func writePage(t *testing.T, r *Run) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := r.WriteHTML(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	// Names of XML namespaces are no addresses to fetch from.
	fetched := strings.NewReplacer(`xmlns="http://www.w3.org/2000/svg"`, "", `xmlns:xlink="http://www.w3.org/1999/xlink"`, "").Replace(page)
	for _, outside := range []string{"<link", "<img", "<image", "src=", "href=", "@import", "url(", "http:", "https:"} {
		if strings.Contains(fetched, outside) {
			t.Errorf("the page refers to something outside it: %q", outside)
		}
	}
	parse(t, page)
	return page
}

func TestWriteHTMLEmpty(t *testing.T) {
	if page := writePage(t, &Run{Title: "empty"}); strings.Contains(page, "<h2>") {
		t.Errorf("an empty page has sections:\n%s", page)
	}
}

// parse reads the whole page with the leniency that HTML needs: void elements.
func parse(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u2009000", 1234567: "1\u2009234\u2009567", -1000: "-1\u2009000"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}
