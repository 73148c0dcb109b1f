package ir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// count is how many products of a model are computed in integers, and why the
// others are not.
func countProducts(m *Model) (int8s int, reasons map[string]int) {
	reasons = map[string]int{}
	for _, p := range m.Products() {
		if p.Int8 {
			int8s++
			continue
		}
		reason, _, _ := strings.Cut(p.Reason, ` "`)
		reasons[reason]++
	}
	return int8s, reasons
}

// What runs in int8: openvino-ir.md, 4.4 and 4.6. A layer has four products with
// weights of attention, two of the feed-forward network, q·kᵀ and p·v; the head
// has two more.
func TestProducts(t *testing.T) {
	for _, test := range []struct {
		name    string
		int8s   int
		reasons map[string]int
	}{
		{"float", 0, map[string]int{"the model has no quantizer of activations with constant limits": 18}},
		{"int8 weights", 0, map[string]int{"the model has no quantizer of activations with constant limits": 16}},
		{"int8", 16, map[string]int{"left operand: SoftMax": 2}},
		{"int8 products", 18, map[string]int{}},
		{"nothing left", 2, map[string]int{}},
		{"int8 with zero points", 2, map[string]int{"right operand: has a zero point": 14, "left operand: SoftMax": 2}},
		{"float weights, quantized activations", 2, map[string]int{"right operand: Const": 14, "left operand: SoftMax": 2}},
	} {
		n, reasons := countProducts(writeAndRead(t, testmodel.Named(test.name, 1)))
		if d := cmp.Diff(test.reasons, reasons); n != test.int8s || d != "" {
			t.Errorf("%s: found %d in int8, want %d; reasons of the others (-want +got):\n%s", test.name, n, test.int8s, d)
		}
	}
}

// Rules that our own files keep, each broken in one.
func TestProductsRefused(t *testing.T) {
	const scores = "bert.encoder.layer.0.attention.self/scores"
	asymmetric := &jpqd.ActivationRange{Low: -1, High: 2, Levels: 256}
	for _, test := range []struct {
		product, reason string
		change          func(*jpqd.Compressed)
	}{
		{scores, "right operand: u8 integers, want i8", func(c *jpqd.Compressed) { c.Layers[0].KeyOut = asymmetric }},
		{scores, "right operand: u8 integers, want i8", func(c *jpqd.Compressed) {
			c.Layers[0].KeyOut = &jpqd.ActivationRange{High: 2, Levels: 256, Symmetric: true}
		}},
		{scores, "left operand: has a zero point, and the right one is no constant", func(c *jpqd.Compressed) { c.Layers[0].QueryOut = asymmetric }},
		{scores, `left operand: FakeQuantize "bert.encoder.layer.0.attention.self.query/fq_output" has "200" levels, want one of`, func(c *jpqd.Compressed) { c.Layers[0].QueryOut.Levels = 200 }},
		{"classifier/matmul", `left operand: Tanh "bert.pooler.dense/tanh" is not quantized`, func(c *jpqd.Compressed) { c.Classifier.Input = nil }},
	} {
		c := testmodel.Named("int8", 1)
		test.change(c)
		found := false
		for _, p := range writeAndRead(t, c).Products() {
			if p.Name == test.product {
				found = true
				if p.Int8 || !strings.HasPrefix(p.Reason, test.reason) {
					t.Errorf("%s: found int8 %v for the reason %q, want %q", p.Name, p.Int8, p.Reason, test.reason)
				}
			}
		}
		if !found {
			t.Errorf("found no product %s", test.product)
		}
	}
}

// A scale for each input of a layer cannot be taken out of its sums.
func TestProductWithScaleOfInputs(t *testing.T) {
	g, err := newEncoder(testmodel.Named("int8", 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.nodes {
		if n.name == "bert.pooler.dense.weight/scale" {
			n.dims = []int{1, 32} // as many inputs as outputs
		}
	}
	var bin binFile
	text, err := g.document(&bin)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(text, bin.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	n, reasons := countProducts(m)
	want := map[string]int{"left operand: SoftMax": 2, "right operand: its scale varies along what is summed up": 1}
	if d := cmp.Diff(want, reasons); n != 15 || d != "" {
		t.Errorf("found %d in int8, want 15; reasons of the others (-want +got):\n%s", n, d)
	}
}

// A multiplication of the scores is moved onto the key: 4.6.
func TestScaledProduct(t *testing.T) {
	c := testmodel.Named("int8", 1)
	g, err := newEncoder(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var product *node
	for _, n := range g.nodes {
		if strings.HasSuffix(n.name, "layer.1.attention.self/scores") {
			product = n
		}
	}
	for _, n := range g.nodes {
		for i, in := range n.inputs {
			if in == product {
				n.inputs[i] = g.times("scaled", product, g.float("scale", 0.25))
			}
		}
	}
	// The new nodes stand behind their users, which a file allows.
	var bin binFile
	text, err := g.document(&bin)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(text, bin.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	n, reasons := countProducts(m)
	want := map[string]int{"left operand: SoftMax": 2, "Multiply": 1}
	if d := cmp.Diff(want, reasons); n != 15 || d != "" {
		t.Errorf("found %d in int8, want 15; reasons of the others (-want +got):\n%s", n, d)
	}
}

func TestOperationsAndConstants(t *testing.T) {
	c := testmodel.Named("int8", 1)
	m := writeAndRead(t, c)
	counts := map[string]int{}
	for _, o := range m.Operations() {
		counts[o.Kind+" "+o.Opset] = o.Count
	}
	if counts["MatMul opset1"] != 18 || counts["SoftMax opset8"] != 2 || counts["MVN opset6"] != 5 || counts["Result opset1"] != 1 {
		t.Errorf("found operations %v", counts)
	}
	found := map[ElementType]string{}
	for _, s := range m.Constants() {
		found[s.Type] = fmt.Sprint(s.Count > 0, s.Bytes)
	}
	// Weights: three tables, per layer 4·32·32 and 2·32·40, 32·32 and 3·32 of the head.
	want := (29+12+2)*32 + 2*(4*32*32+2*32*40) + 32*32 + 3*32
	if found[I8] != fmt.Sprint(true, want) {
		t.Errorf("found %s bytes of i8, want %d", found[I8], want)
	}
}
