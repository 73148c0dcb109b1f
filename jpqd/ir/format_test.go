package ir

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// written are the two files of a model, the layers decoded.
type written struct {
	net  xmlNet
	text string
	bin  []byte
}

func write(t *testing.T, c *jpqd.Compressed, o Options) *written {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, c, o); err != nil {
		t.Fatal(err)
	}
	return readWritten(t, dir)
}

func readWritten(t *testing.T, dir string) *written {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, XMLName))
	if err != nil {
		t.Fatal(err)
	}
	w := &written{text: string(text)}
	if w.bin, err = os.ReadFile(filepath.Join(dir, BinName)); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(text, &w.net); err != nil {
		t.Fatal(err)
	}
	return w
}

// constant is the bytes of a Const.
func (w *written) constant(t *testing.T, l *xmlLayer) []byte {
	t.Helper()
	offset, err := strconv.Atoi(l.attribute("offset"))
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(l.attribute("size"))
	if err != nil {
		t.Fatal(err)
	}
	return w.bin[offset : offset+size]
}

func (w *written) count(kind string) int {
	n := 0
	for _, l := range w.net.Layers {
		if l.Type == kind {
			n++
		}
	}
	return n
}

func (l *xmlLayer) attribute(name string) string {
	if l.Data != nil {
		for _, a := range l.Data.Attributes {
			if a.Name.Local == name {
				return a.Value
			}
		}
	}
	return ""
}

// The version of each operation is the operation set that introduced it:
// OpenVINO's documentation of its operation sets.
func TestFormat(t *testing.T) {
	versions := map[string]string{
		"Parameter": "opset1", "Const": "opset1", "Result": "opset1", "Convert": "opset1", "Gather": "opset8",
		"Add": "opset1", "Subtract": "opset1", "Multiply": "opset1", "MVN": "opset6", "MatMul": "opset1",
		"Reshape": "opset1", "Transpose": "opset1", "SoftMax": "opset8", "Gelu": "opset7", "Tanh": "opset1", "ReLU": "opset1",
		"Unsqueeze": "opset1", "ShapeOf": "opset3", "Slice": "opset8", "FakeQuantize": "opset1",
	}
	for name, v := range testmodel.Variants {
		t.Run(name, func(t *testing.T) {
			w := write(t, testmodel.New(v, 1), Options{})
			if w.net.Version != "11" {
				t.Errorf("version: found %q, want 11", w.net.Version)
			}
			names := map[string]bool{}
			var inputs, tensors []string
			for i, l := range w.net.Layers {
				if l.ID != strconv.Itoa(i) || names[l.Name] {
					t.Errorf("layer %q: found id %s or a name used before", l.Name, l.ID)
				}
				names[l.Name] = true
				if l.Version != versions[l.Type] {
					t.Errorf("%s: found version %q, want %q", l.Type, l.Version, versions[l.Type])
				}
				next := 0
				for _, ports := range []*xmlPorts{l.Input, l.Output} {
					if ports == nil {
						continue
					}
					for _, p := range ports.Ports {
						if p.ID != strconv.Itoa(next) || !precisions[p.Precision] {
							t.Errorf("%s: found port %s of precision %q, want port %d", l.Name, p.ID, p.Precision, next)
						}
						next++
						if p.Names != "" {
							tensors = append(tensors, l.Type+" "+p.Names)
						}
					}
				}
				switch l.Type {
				case "Parameter":
					inputs = append(inputs, l.Name+" "+l.attribute("element_type")+" "+l.attribute("shape"))
				case "Const":
					offset, _ := strconv.Atoi(l.attribute("offset"))
					if offset%64 != 0 {
						t.Errorf("%s: found offset %d, want a multiple of 64", l.Name, offset)
					}
				case "FakeQuantize":
					if levels := l.attribute("levels"); levels != "256" && levels != strconv.Itoa(v.Levels) {
						t.Errorf("%s: found %s levels", l.Name, levels)
					}
				case "MVN":
					if l.attribute("eps") != "1e-12" || l.attribute("eps_mode") != "INSIDE_SQRT" {
						t.Errorf("%s: found eps %s %s", l.Name, l.attribute("eps"), l.attribute("eps_mode"))
					}
				}
			}
			want := []string{"input_ids i64 ?,?", "attention_mask i64 ?,?", "token_type_ids i64 ?,?"}
			if v.Family != "" {
				want = want[:2]
			}
			if d := cmp.Diff(want, inputs); d != "" {
				t.Errorf("inputs (-want +got):\n%s", d)
			}
			want = []string{"Parameter input_ids", "Parameter attention_mask", "Parameter token_type_ids"}[:len(want)]
			switch {
			case v.Answering:
				want = append(want, "Gather start_logits", "Gather end_logits")
			case v.Everywhere:
				want = append(want, "FakeQuantize logits")
			default:
				want = append(want, "Add logits")
			}
			if d := cmp.Diff(want, tensors); d != "" {
				t.Errorf("names on ports (-want +got):\n%s", d)
			}
			if results := len(tensors) - len(inputs); w.count("Result") != results {
				t.Errorf("found %d results, want %d", w.count("Result"), results)
			}
		})
	}
}

// Activations: 3 inputs of query, key and value, 2 of their product, and the
// inputs of 3 Linears in each of 2 layers; pooler, classifier and the two
// addends of the embeddings. Integer constants: 6 a layer, 2 of the head, 3 tables.
func TestQuantizers(t *testing.T) {
	for _, test := range []struct {
		name                     string
		quantizers, integerBlobs int
	}{
		{"float", 0, 0},
		{"int8 weights", 0, 6*2 - 2 + 2 + 3},
		{"int8", 8*2 + 4, 6*2 + 2 + 3},
		{"int8 pruned", 6*2 + 4, 6*2 + 2 + 3},
		{"int8 products", 10*2 + 4, 6*2 + 2 + 3},
		{"int8 empty blocks", 2 + 8 + 4, 2 + 4 + 2 + 3},
		{"nothing left", 4, 2 + 3},
		// Beside those of "int8 products": 2 of scores, 4 of residual sums and
		// 2 of normalisations in each layer; word and type, normalised
		// embeddings and logits. Zero points are integers of their own.
		{"int8 everywhere", 18*2 + 4 + 4, 2 * (6*2 + 2 + 3)},
		{"int8 everywhere, empty blocks", (18 - 10) + (18 - 2) + 4 + 4, 2 * (2 + 4 + 2 + 3)},
		{"int8 answering", 18*2 + 3 + 4, 2 * (6*2 + 1 + 3)},
		{"int8 RoBERTa", 18*2 + 4 + 4, 2 * (6*2 + 2 + 3)},
		{"int8 DistilBERT", 18*2 + 4 + 2, 2 * (6*2 + 2 + 2)},
		{"int8 DistilBERT answering", 18*2 + 3 + 2, 2 * (6*2 + 1 + 2)},
	} {
		w := write(t, testmodel.Named(test.name, 1), Options{})
		if n := w.count("FakeQuantize"); n != test.quantizers {
			t.Errorf("%s: found %d quantizers, want %d", test.name, n, test.quantizers)
		}
		integers := 0
		byID := map[string]*xmlLayer{}
		for i := range w.net.Layers {
			byID[w.net.Layers[i].ID] = &w.net.Layers[i]
		}
		for _, e := range w.net.Edges { // Const i8 -> Convert -> Subtract with zero points -> Multiply -> MatMul or Gather
			from, to := byID[e.FromLayer], byID[e.ToLayer]
			if from.attribute("element_type") != "i8" {
				continue
			}
			integers++
			path := []string{from.Type}
			for to != nil && path[len(path)-1] != "MatMul" && path[len(path)-1] != "Gather" {
				path = append(path, to.Type)
				at := slices.IndexFunc(w.net.Edges, func(e xmlEdge) bool { return e.FromLayer == to.ID })
				to = byID[w.net.Edges[at].ToLayer]
			}
			path = slices.DeleteFunc(path, func(kind string) bool { return kind == "Subtract" })
			if !slices.Equal(path, []string{"Const", "Convert", "Multiply", "MatMul"}) && !slices.Equal(path, []string{"Const", "Convert", "Multiply", "Gather"}) {
				t.Errorf("%s: %s goes through %q", test.name, from.Name, path)
			}
		}
		if integers != test.integerBlobs {
			t.Errorf("%s: found %d integer constants, want %d", test.name, integers, test.integerBlobs)
		}
	}
}

// A range from −0.4 to 254.6 has its zero point at 0 and levels 0, 1, … 255.
func TestOutputLimits(t *testing.T) {
	for _, test := range []struct{ low, high, wantLow, wantHigh float32 }{
		{-128, 127, -128, 127},
		{0, 3, 0, 3},
		{-128.0 / 127, 1, -128.0 / 127, 1},
		{-0.4, 254.6, 0, 255},
		{-0.6, 254.4, -1, 254},
		{-254.7, 0.3, -255, 0},
	} {
		low, high := outputLimits(&jpqd.ActivationRange{Low: test.low, High: test.high, Levels: 256})
		if math.Abs(float64(low-test.wantLow)) > 1e-4 || math.Abs(float64(high-test.wantHigh)) > 1e-4 {
			t.Errorf("%v to %v: found %v to %v, want %v to %v", test.low, test.high, low, high, test.wantLow, test.wantHigh)
		}
	}
}

// The file of constants has every different value once, at multiples of 64
// bytes, and nothing else.
func TestBinSize(t *testing.T) {
	sizes := map[string]int{}
	for name, v := range testmodel.Variants {
		c := testmodel.New(v, 1)
		sizes[name] = len(write(t, c, Options{}).bin)
		if want := expectedBin(t, c); sizes[name] != want {
			t.Errorf("%s: found %d bytes, want %d", name, sizes[name], want)
		}
	}
	if !(sizes["int8 pruned"] < sizes["int8"] && sizes["int8"] < sizes["float"] && sizes["float pruned"] < sizes["float"]) {
		t.Errorf("found sizes %v, want pruned and integer models to be smaller", sizes)
	}
}

// expectedBin adds up what the graph of c needs. Last is the bias of the
// classifier, a limit of its quantizer or the axis of start and end.
func expectedBin(t *testing.T, c *jpqd.Compressed) int {
	seen := map[string]bool{}
	total := 0
	put := func(v any) {
		data, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			t.Fatal(err)
		}
		if !seen[string(data)] {
			seen[string(data)] = true
			total += (len(data) + 63) / 64 * 64
		}
	}
	matrix := func(m jpqd.CompressedMatrix) {
		if m.F32 != nil {
			put(m.F32)
		} else {
			put(m.I8)
			put(m.Scale)
			put(m.Zero)
		}
	}
	activation := func(r *jpqd.ActivationRange) {
		if r != nil {
			low, high := outputLimits(r)
			put([]float32{r.Low})
			put([]float32{r.High})
			put([]float32{low})
			put([]float32{high})
		}
	}
	pair := func(r [2]*jpqd.ActivationRange) {
		activation(r[0])
		activation(r[1])
	}
	linear := func(l jpqd.CompressedLinear) {
		matrix(l.Weight)
		put(l.Bias)
		put(l.Smooth)
		activation(l.Input)
	}
	norm := func(n jpqd.CompressedNorm) {
		activation(n.Input)
		put(n.Gamma)
		put(n.Beta)
		put([]int64{-1}) // the axis
	}
	e := c.Embeddings
	matrix(e.Word)
	matrix(e.Position)
	matrix(e.TokenType)
	pair(e.AddTypes)
	pair(e.AddInputs)
	norm(e.Norm)
	positions := make([]int64, e.Position.Rows)
	for i := range positions {
		positions[i] = int64(i)
	}
	put(positions)
	put([]int64{0}) // axis of tables, start of positions, index of the first token
	put([]int64{1}) // axis of tokens, index of the length
	headDim := c.Config.HeadDim()
	for _, l := range c.Layers {
		if heads := len(l.Heads); heads > 0 {
			linear(*l.Query.Scaled(float32(1 / math.Sqrt(float64(headDim)))))
			linear(l.Key)
			linear(l.Value)
			linear(l.Output)
			activation(l.ScaleIn.Scaled(float32(1 / math.Sqrt(float64(headDim)))))
			if c.Config.ScalesQuery() {
				activation(l.QueryOut)
			} else {
				activation(l.QueryOut.Scaled(float32(1 / math.Sqrt(float64(headDim)))))
			}
			for _, r := range []*jpqd.ActivationRange{l.KeyOut, l.ScoresIn, l.ProbsOut, l.ValueOut} {
				activation(r)
			}
			put([]int64{0, 0, int64(heads), int64(headDim)})
			put([]int64{0, 0, int64(heads * headDim)})
			put([]int64{0, 2, 1, 3})
			put([]int64{1, 2}) // unsqueezed axes of the mask
			put([]float32{1})
			put([]float32{-10000})
		} else {
			put(l.Output.Bias)
		}
		pair(l.AttentionAdd)
		norm(l.AttentionNorm)
		if len(l.Neurons) > 0 {
			linear(l.FFNIn)
			linear(l.FFNOut)
		} else {
			put(l.FFNOut.Bias)
		}
		pair(l.OutputAdd)
		norm(l.OutputNorm)
	}
	last := len(c.Classifier.Bias) * 4
	linear(c.Pooler)
	linear(c.Classifier)
	if c.Config.QuestionAnswering() {
		put([]int64{2}) // axis of start and end
		last = 8
	}
	if c.Logits != nil {
		activation(c.Logits)
		if !c.Config.QuestionAnswering() {
			last = 4
		}
	}
	return total - (last+63)/64*64 + last
}

func TestMetadata(t *testing.T) {
	var leaves func(path string, tree []xmlInfo, found map[string]string) map[string]string
	leaves = func(path string, tree []xmlInfo, found map[string]string) map[string]string {
		for _, x := range tree {
			if x.Value != "" {
				found[path+x.XMLName.Local] = x.Value
			}
			leaves(path+x.XMLName.Local+".", x.Children, found)
		}
		return found
	}
	for name, want := range map[string]map[string]string{
		"float": {"jpqd.heads": "4,4", "jpqd.neurons": "40,40"},
		"int8 empty blocks": {
			"jpqd.heads": "0,2", "jpqd.neurons": "8,0",
			"nncf.movement_sparsity.heads": "0,2", "nncf.movement_sparsity.neurons": "8,0",
			"nncf.quantization.preset": "mixed", "nncf.quantization.model_type": "transformer", "nncf.quantization.target_device": "CPU",
			"nncf.quantization.bits": "8",
			// Three tables; of layer 0 two matrices, of layer 1 four; pooler and classifier.
			"nncf.quantization.weight_quantizers": "11",
			// The embeddings' sum, the inputs of these eight of which none is shared, and four of layer 1's products.
			"nncf.quantization.activation_quantizers": "14",
		},
	} {
		w := write(t, testmodel.Named(name, 1), Options{})
		if d := cmp.Diff(want, leaves("", w.net.Info.Children, map[string]string{})); d != "" {
			t.Errorf("%s: rt_info (-want +got):\n%s", name, d)
		}
	}
}

// bytes is the file of constants.
func (b *binFile) bytes(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := b.encode(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}
