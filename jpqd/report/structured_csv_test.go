package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/jpqd"
)

const structuredHeader = ",group_id,torch_module,weight_shape,pruned_weight_shape,bias_shape,pruned_bias_shape,head_or_channel_id_to_keep,module_node_name\n"

// Two layers of width 4 with 2 heads of 2 and 3 neurons: the first keeps head 1
// and all neurons, the second no head and one neuron.
const structuredRows = `0,0,nncf_module.bert.encoder.layer.0.attention.self.query,"(4, 4)","(2, 4)","(4,)","(2,)",[1],q
1,0,nncf_module.bert.encoder.layer.0.attention.output.dense,"(4, 4)","(4, 2)","(4,)","(4,)",[1],o
2,1,nncf_module.bert.encoder.layer.0.intermediate.dense,"(3, 4)","(3, 4)","(3,)","(3,)",[3 items],i
3,1,nncf_module.bert.encoder.layer.0.output.dense,"(4, 3)","(4, 3)","(4,)","(4,)",[3 items],f
4,2,nncf_module.bert.encoder.layer.1.attention.self.query,"(4, 4)","(0, 4)","(4,)","(0,)",[],q
5,3,nncf_module.bert.encoder.layer.1.intermediate.dense,"(3, 4)","(1, 4)","(0,)","(0,)",[2],i
`

func TestReadStructured(t *testing.T) {
	path := filepath.Join(t.TempDir(), structuredFile)
	writeFile(t, path, structuredHeader+structuredRows)
	got, err := readStructured(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Layer{{
		Attention:   jpqd.MaskCount{Kept: 2*4 + 2 + 4*2 + 4, All: 2 * (16 + 4)},
		FeedForward: jpqd.MaskCount{Kept: 12 + 3 + 12 + 4, All: 12 + 3 + 12 + 4},
		Heads:       []int{1}, AllHeads: 2, Neurons: 3, AllNeurons: 3,
	}, {
		Attention:   jpqd.MaskCount{Kept: 0, All: 20},
		FeedForward: jpqd.MaskCount{Kept: 4, All: 12}, // without biases
		Heads:       []int{}, AllHeads: 2, Neurons: 1, AllNeurons: 3,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadStructuredHostile(t *testing.T) {
	row := func(module, weight, pruned, bias, prunedBias, ids string) string {
		return structuredHeader + strings.Join([]string{"0", "0", module, `"` + weight + `"`, `"` + pruned + `"`, `"` + bias + `"`, `"` + prunedBias + `"`, `"` + ids + `"`, "n"}, ",") + "\n"
	}
	const module = "layer.0.attention.q"
	for _, test := range []struct{ name, text, message string }{
		{"empty", "", "found an empty file"},
		{"no column", "a,b\n1,2\n", `found no column "torch_module"`},
		{"short row", structuredHeader + "1,2\n", "wrong number of fields"},
		{"no layer", row("pooler", "(4, 4)", "(4, 4)", "(4,)", "(4,)", "[0]"), "row 1: torch_module"},
		{"many layers", row("layer.9999.x", "(4, 4)", "(4, 4)", "(4,)", "(4,)", "[0]"), "found layer 9999"},
		{"no shape", row(module, "4", "(4, 4)", "(4,)", "(4,)", "[0]"), `found the shape "4"`},
		{"huge shape", row(module, "(99999999999, 4)", "(4, 4)", "(4,)", "(4,)", "[0]"), "found the shape"},
		{"negative", row(module, "(4, 4)", "(-4, 4)", "(4,)", "(4,)", "[0]"), "found the shape"},
		{"grown", row(module, "(4, 4)", "(8, 4)", "(4,)", "(4,)", "[0]"), "found [8 4] of [4 4]"},
		{"no list", row(module, "(4, 4)", "(2, 4)", "(4,)", "(2,)", "0"), "want a list of ids"},
		{"text in the list", row(module, "(4, 4)", "(2, 4)", "(4,)", "(2,)", "[x]"), "want a list of ids"},
		{"head beyond", row(module, "(4, 4)", "(2, 4)", "(4,)", "(2,)", "[7]"), "found 7, want a head of the layer's 2"},
		{"ids without rows", row(module, "(4, 4)", "(0, 4)", "(4,)", "(0,)", "[1]"), "found 1, want a head"},
	} {
		path := filepath.Join(t.TempDir(), structuredFile)
		writeFile(t, path, test.text)
		if _, err := readStructured(path); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: got %v, want …%s…", test.name, err, test.message)
		}
	}
}
