package jpqd

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const layer0 = "bert.encoder.layer.0."

// Modules of a layer's two groups.
const (
	queryModule   = layer0 + "attention.self.query"
	keyModule     = layer0 + "attention.self.key"
	valueModule   = layer0 + "attention.self.value"
	contextModule = layer0 + "attention.output.dense"
	ffnInModule   = layer0 + "intermediate.dense"
	ffnOutModule  = layer0 + "output.dense"
)

// sparseLayer is a layer of 2 heads of 2 rows and of some neurons, sparsified.
func sparseLayer(t *testing.T, neurons int) map[string]*sparsifier {
	t.Helper()
	sparse := map[string]*sparsifier{}
	add := func(module string, out, in int, s SparseStructure) {
		sparse[module] = mustSparsify(t, newLinear(module, out, in), s)
	}
	for _, module := range []string{queryModule, keyModule, valueModule, contextModule} {
		add(module, 4, 4, SparseStructure{Mode: Fine, Factors: [2]int{1, 1}})
	}
	add(ffnInModule, neurons, 4, SparseStructure{Mode: PerDim, Axis: 0})
	add(ffnOutModule, 4, neurons, SparseStructure{Mode: PerDim, Axis: 1})
	return sparse
}

func groupsOf(sparse map[string]*sparsifier, log *slog.Logger) []*structuredGroup {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return newStructuredGroups(&bertFamily, 1, 2, sparse, log)
}

// set makes element (row, col) of a weight alive, or of a bias for col −1.
type set struct {
	module   string
	row, col int
}

func TestStructuredMasks(t *testing.T) {
	tests := []struct {
		name           string
		alive          []set
		heads, neurons []int
	}{
		{"everything dead", nil, []int{}, []int{}},
		{"one element of the query keeps its head", []set{{queryModule, 2, 0}}, []int{1}, []int{}},
		{"so do the key's and the value's", []set{{keyModule, 3, 3}, {valueModule, 0, 1}}, []int{0, 1}, []int{}},
		{"a column of the output", []set{{contextModule, 3, 1}}, []int{0}, []int{}},
		{"a bias alone, where the weight is alive elsewhere", []set{{keyModule, 0, 0}, {keyModule, 3, -1}}, []int{0, 1}, []int{}},
		{"a bias of a dead weight does not", []set{{keyModule, 3, -1}, {queryModule, 0, 0}}, []int{0}, []int{}},
		{"a bias of the output never", []set{{contextModule, 0, 0}, {contextModule, 0, -1}, {contextModule, 3, -1}}, []int{0}, []int{}},
		{"a row of the first feed-forward weight", []set{{ffnInModule, 1, 0}}, []int{}, []int{1}},
		{"a bias of it", []set{{ffnInModule, 1, 0}, {ffnInModule, 2, -1}}, []int{}, []int{1, 2}},
		{"a bias of a dead one does not", []set{{ffnInModule, 2, -1}}, []int{}, []int{}},
		{"a column of the second", []set{{ffnOutModule, 3, 2}, {ffnOutModule, 1, -1}}, []int{}, []int{2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sparse := sparseLayer(t, 3)
			for _, p := range sparse {
				clear(p.weight.mask)
				clear(p.bias.mask)
			}
			for _, a := range test.alive {
				o := &sparse[a.module].weight
				if a.col < 0 {
					o, a.col = &sparse[a.module].bias, 0
				}
				o.mask[a.row*o.cols+a.col] = 1
			}
			groups := groupsOf(sparse, nil)
			for range 2 { // a second time changes nothing
				resolveStructuredMasks(groups)
				if diff := cmp.Diff([][]int{test.heads, test.neurons}, [][]int{groups[0].kept, groups[1].kept}, cmp.Transformer("list", func(x []int) string { return fmt.Sprint(x) })); diff != "" {
					t.Error(diff)
				}
				checkStructuredMasks(t, sparse, test.heads, test.neurons)
			}
		})
	}
}

// checkStructuredMasks compares every mask with the one that the kept units
// make: ones inside them whatever was masked there before, zeros outside.
func checkStructuredMasks(t *testing.T, sparse map[string]*sparsifier, heads, neurons []int) {
	t.Helper()
	for module, p := range sparse {
		columns := module == contextModule || module == ffnOutModule
		unit, kept := 2, heads
		if module == ffnInModule || module == ffnOutModule {
			unit, kept = 1, neurons
		}
		for r := range p.weight.rows {
			live := float32(0)
			for c := range p.weight.cols {
				i := r
				if columns {
					i = c
				}
				want := float32(0)
				if slices.Contains(kept, i/unit) {
					want, live = 1, 1
				}
				if got := p.weight.mask[r*p.weight.cols+c]; got != want {
					t.Errorf("%s: mask (%d, %d) is %v, want %v", module, r, c, got, want)
				}
			}
			if got := p.bias.mask[r]; got != live {
				t.Errorf("%s: mask of bias %d is %v, want %v", module, r, got, live)
			}
		}
	}
}

// Layers outside of every group keep their unstructured masks.
func TestLayersOutsideGroupsKeepTheirMasks(t *testing.T) {
	sparse := sparseLayer(t, 3)
	pooler := mustSparsify(t, newLinear("bert.pooler.dense", 4, 4), SparseStructure{Mode: Fine, Factors: [2]int{1, 1}})
	pooler.weight.mask[5] = 0
	sparse["bert.pooler.dense"] = pooler
	resolveStructuredMasks(groupsOf(sparse, nil))
	if pooler.weight.mask[5] != 0 || pooler.weight.mask[4] != 1 {
		t.Errorf("found mask %v", pooler.weight.mask)
	}
}

// The head's group is dropped in all of these: the head is not sparsified.
func TestGroupsThatDoNotMatch(t *testing.T) {
	const pooler = "bert.pooler.dense is not sparsified"
	tests := []struct {
		name  string
		edit  func(map[string]*sparsifier)
		ids   []int
		warns []string
	}{
		{"both groups", func(map[string]*sparsifier) {}, []int{0, 1}, []string{pooler}},
		{"a member is not sparsified", func(m map[string]*sparsifier) { delete(m, valueModule) }, []int{1}, []string{valueModule + " is not sparsified", pooler}},
		{"a row member is scored by columns", func(m map[string]*sparsifier) { m[ffnInModule].structure.Axis = 1 }, []int{0}, []string{ffnInModule + " is sparsified along axis 1", pooler}},
		{"a column member is scored by rows", func(m map[string]*sparsifier) { m[ffnOutModule].structure.Axis = 0 }, []int{0}, []string{ffnOutModule + " is sparsified along axis 0", pooler}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var text bytes.Buffer
			sparse := sparseLayer(t, 3)
			test.edit(sparse)
			var ids []int
			for _, g := range groupsOf(sparse, slog.New(slog.NewTextHandler(&text, nil))) {
				ids = append(ids, g.id)
			}
			if !slices.Equal(ids, test.ids) {
				t.Errorf("found groups %v, want %v", ids, test.ids)
			}
			if found := strings.Count(text.String(), "level=WARN"); found != len(test.warns) {
				t.Errorf("found %d warnings, want %d: %s", found, len(test.warns), text.String())
			}
			for _, want := range test.warns {
				if !strings.Contains(text.String(), want) {
					t.Errorf("found log %q, want a warning that says %q", text.String(), want)
				}
			}
		})
	}
}

// Groups are numbered as NNCF does: three producers before one, layers in order,
// the head last. A dropped group keeps its number.
func TestGroupNumbers(t *testing.T) {
	const layer1 = "bert.encoder.layer.1."
	sparse := sparseLayer(t, 3)
	for module, s := range sparseLayer(t, 3) {
		sparse[strings.Replace(module, layer0, layer1, 1)] = s
	}
	delete(sparse, queryModule)
	fine := SparseStructure{Mode: Fine, Factors: [2]int{1, 1}}
	sparse["bert.pooler.dense"] = mustSparsify(t, newLinear("bert.pooler.dense", 4, 4), fine)
	sparse["classifier"] = mustSparsify(t, newLinear("classifier", 2, 4), fine)
	var found []string
	for _, g := range newStructuredGroups(&bertFamily, 2, 2, sparse, slog.New(slog.DiscardHandler)) {
		found = append(found, fmt.Sprintf("%d: %d units of %d in %d matrices, the first %s", g.id, g.units, g.size, len(g.members), g.members[0].linear.Name))
	}
	want := []string{ // the linears of layer 1 are copies and bear the names of layer 0
		"1: 2 units of 2 in 4 matrices, the first " + queryModule,
		"2: 3 units of 1 in 2 matrices, the first " + ffnInModule,
		"3: 3 units of 1 in 2 matrices, the first " + ffnInModule,
		"4: 4 units of 1 in 2 matrices, the first bert.pooler.dense",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

// Every family has a group of heads and one of neurons for each layer, and one
// for a classification head, whose matrices are in the order of execution.
func TestGroupsOfFamilies(t *testing.T) {
	for _, test := range []struct {
		architecture string
		want         []string // of one layer
	}{
		{"BertForQuestionAnswering", []string{
			"bert.encoder.layer.0.attention.self.query bert.encoder.layer.0.attention.self.key bert.encoder.layer.0.attention.self.value |bert.encoder.layer.0.attention.output.dense",
			"bert.encoder.layer.0.intermediate.dense |bert.encoder.layer.0.output.dense",
		}},
		{"RobertaForSequenceClassification", []string{
			"roberta.encoder.layer.0.attention.self.query roberta.encoder.layer.0.attention.self.key roberta.encoder.layer.0.attention.self.value |roberta.encoder.layer.0.attention.output.dense",
			"roberta.encoder.layer.0.intermediate.dense |roberta.encoder.layer.0.output.dense",
			"classifier.dense |classifier.out_proj",
		}},
		{"DistilBertForSequenceClassification", []string{
			"distilbert.transformer.layer.0.attention.q_lin distilbert.transformer.layer.0.attention.k_lin distilbert.transformer.layer.0.attention.v_lin |distilbert.transformer.layer.0.attention.out_lin",
			"distilbert.transformer.layer.0.ffn.lin1 |distilbert.transformer.layer.0.ffn.lin2",
			"pre_classifier |classifier",
		}},
	} {
		eachModel(t, func(t *testing.T, f *Family) {
			if f.Architecture != test.architecture {
				return
			}
			var found []string
			for _, g := range f.groupInstances(1) {
				var members []string
				for _, m := range g.members {
					if m.Columns {
						m.Module = "|" + m.Module
					}
					members = append(members, m.Module)
				}
				found = append(found, strings.Join(members, " "))
			}
			if diff := cmp.Diff(test.want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStructuredReport(t *testing.T) {
	sparse := sparseLayer(t, 24)
	groups := groupsOf(sparse, nil)
	groups[0].kept = []int{1}
	for i := range 21 {
		groups[1].kept = append(groups[1].kept, i+2)
	}
	path := filepath.Join(t.TempDir(), "structured_sparsity.csv")
	if err := writeStructuredReport(path, groups); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `,group_id,torch_module,weight_shape,pruned_weight_shape,bias_shape,pruned_bias_shape,head_or_channel_id_to_keep,module_node_name
0,0,LAYERattention.self.query,"(4, 4)","(2, 4)","(4,)","(2,)",[1],node of LAYERattention.self.query
1,0,LAYERattention.self.key,"(4, 4)","(2, 4)","(4,)","(2,)",[1],node of LAYERattention.self.key
2,0,LAYERattention.self.value,"(4, 4)","(2, 4)","(4,)","(2,)",[1],node of LAYERattention.self.value
3,0,LAYERattention.output.dense,"(4, 4)","(4, 2)","(4,)","(4,)",[1],node of LAYERattention.output.dense
4,1,LAYERintermediate.dense,"(24, 4)","(21, 4)","(24,)","(21,)",[21 items],node of LAYERintermediate.dense
5,1,LAYERoutput.dense,"(4, 24)","(4, 21)","(4,)","(4,)",[21 items],node of LAYERoutput.dense
`
	if diff := cmp.Diff(strings.ReplaceAll(want, "LAYER", layer0), string(data)); diff != "" {
		t.Error(diff)
	}
}

func TestKeptIDs(t *testing.T) {
	twenty := make([]int, 20)
	for i := range twenty {
		twenty[i] = i
	}
	for _, test := range []struct {
		ids  []int
		want string
	}{
		{nil, "[]"},
		{[]int{3, 7, 8, 10}, "[3, 7, 8, 10]"},
		{twenty, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]"},
		{append(twenty, 20), "[21 items]"},
	} {
		if got := keptIDs(test.ids); got != test.want {
			t.Errorf("found %s, want %s", got, test.want)
		}
	}
}
