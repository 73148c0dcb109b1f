package onnx

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

func batchOf(sequences []jpqd.Example) *bert.Batch {
	b := &bert.Batch{}
	for _, s := range sequences {
		b.Append(s.IDs, s.TypeIDs)
	}
	return b
}

// TestLogits holds the files of random models of every kind, of open and of fixed
// sizes, against package int8. A value near a rounding boundary may fall on
// either side, which in a model so small moves the logits.
func TestLogits(t *testing.T) {
	const models, rounding, flipped = 4, 1e-5, 0.2
	for _, name := range slices.Sorted(maps.Keys(testmodel.Variants)) {
		var all []float64
		for seed := range uint64(models) {
			c, r := testmodel.Named(name, seed), rand.New(rand.NewPCG(seed, 2))
			sequences := []jpqd.Example{randomSequence(r, c, 4), randomSequence(r, c, 1), randomSequence(r, c, 9)}
			options := Options{}
			if seed%2 == 1 {
				options = Options{Batch: len(sequences), Sequence: 12}
			}
			dir := t.TempDir()
			if err := Write(dir, c, options); err != nil {
				t.Fatal(err)
			}
			got, err := Logits(filepath.Join(dir, Name), batchOf(sequences))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, want := range engineLogits(t, c, sequences) {
				if len(got) < len(want) {
					t.Fatalf("%s: found too few logits", name)
				}
				all = append(all, differences([][]float32{got[:len(want)]}, [][]float32{want})...)
				got = got[len(want):]
			}
		}
		slices.Sort(all)
		if all[len(all)*2/3] > rounding || all[len(all)-1] > flipped {
			t.Errorf("%s: found logits that differ by up to %v", name, all)
		}
	}
}

func TestLogitsRefuses(t *testing.T) {
	c := testmodel.Named("int8", 1)
	dir := t.TempDir()
	if err := Write(dir, c, Options{Batch: 1, Sequence: 5}); err != nil {
		t.Fatal(err)
	}
	file := readModel(t, filepath.Join(dir, Name))
	node := func(m *onnxpb.ModelProto, op string) *onnxpb.NodeProto {
		for _, n := range m.Graph.Node {
			if n.GetOpType() == op {
				return n
			}
		}
		t.Fatalf("found no %s", op)
		return nil
	}
	batch := batchOf([]jpqd.Example{{IDs: []int32{1, 2, 3}, TypeIDs: []int32{0, 0, 0}}})
	for _, test := range []struct {
		change func(*onnxpb.ModelProto)
		want   string
	}{
		{func(m *onnxpb.ModelProto) { m.OpsetImport[0].Version = proto.Int64(18) }, "want opset 17"},
		{func(m *onnxpb.ModelProto) { node(m, "Softmax").OpType = proto.String("Sin") }, `(Sin): found 1 inputs, want 0 of an operation that is written here`},
		{func(m *onnxpb.ModelProto) { n := node(m, "Add"); n.Input = n.Input[1:] }, "(Add): found 1 inputs, want 2"},
		{func(m *onnxpb.ModelProto) { node(m, "MatMul").Input[0] = "attention_mask" }, "(MatMul): input 0: found []int64, want floats"},
		{func(m *onnxpb.ModelProto) { node(m, "MatMul").Input[0] = "absent" }, `found no value "absent" before it`},
		{func(m *onnxpb.ModelProto) { n := node(m, "MatMul"); n.Input[0] = n.Input[1] }, "(Add): found shapes [1 32 32] and [1 5 32], want equal dimensions or 1"},
		{func(m *onnxpb.ModelProto) { node(m, "Transpose").Attribute[0].Ints = []int64{0, 1, 1, 3} }, "perm: found [0 1 1 3]"},
		{func(m *onnxpb.ModelProto) { node(m, "Gather").Attribute[0].I = proto.Int64(7) }, "the axis 7"},
		{func(m *onnxpb.ModelProto) { m.Graph.Initializer[0].Dims[0]++ }, "found shape [30 32] for 928 bytes"},
		{func(m *onnxpb.ModelProto) { m.Graph.Initializer[0].Dims = []int64{1 << 40, 1 << 40} }, "found shape [1099511627776 1099511627776] for"},
		{func(m *onnxpb.ModelProto) { m.Graph.Output[0].Name = proto.String("x") }, `output "logits": not found`},
		{func(m *onnxpb.ModelProto) { m.Graph.Input[0].Name = proto.String("x") }, `input "x": want input_ids`},
		{func(m *onnxpb.ModelProto) {
			m.Graph.Input[0].Type.GetTensorType().Shape.Dim[1].Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 2}
		}, `input "input_ids": found room for 2 tokens, want 3`},
	} {
		changed := proto.Clone(file).(*onnxpb.ModelProto)
		test.change(changed)
		data, err := proto.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := logitsOf(data, batch); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("found error %v, want %q", err, test.want)
		}
	}
	path := filepath.Join(dir, Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Logits(path, batch); err == nil || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("found error %v for a file without its end", err)
	}
}
