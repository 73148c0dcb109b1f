package jpqd

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
)

// structuredReportFile is the report's name in a model's folder.
const structuredReportFile = "structured_sparsity.csv"

// maxListed is how many kept ids the report lists before it only counts them.
const maxListed = 20

// writeStructuredReport writes structured_sparsity.csv with NNCF's columns: one
// row for each member of each group.
func writeStructuredReport(path string, groups []*structuredGroup) error {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	w.Write([]string{"", "group_id", "torch_module", "weight_shape", "pruned_weight_shape", "bias_shape", "pruned_bias_shape", "head_or_channel_id_to_keep", "module_node_name"})
	row := 0
	for _, g := range groups {
		for _, m := range g.members {
			out, in, kept := m.weight.rows, m.weight.cols, len(g.kept)*g.size
			prunedWeight, prunedBias := shape(kept, in), shape(kept)
			if m.columns {
				prunedWeight, prunedBias = shape(out, kept), shape(out)
			}
			w.Write([]string{strconv.Itoa(row), strconv.Itoa(g.id), m.linear.Name, shape(out, in), prunedWeight, shape(out), prunedBias, keptIDs(g.kept), m.node})
			row++
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return renameio.WriteFile(path, buf.Bytes(), 0o644)
}

// shape spells dimensions as Python prints a tuple.
func shape(dims ...int) string {
	if len(dims) == 1 {
		return fmt.Sprintf("(%d,)", dims[0])
	}
	words := make([]string, len(dims))
	for i, d := range dims {
		words[i] = strconv.Itoa(d)
	}
	return "(" + strings.Join(words, ", ") + ")"
}

func keptIDs(ids []int) string {
	if len(ids) > maxListed {
		return fmt.Sprintf("[%d items]", len(ids))
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(id)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
