package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	structuredFile      = "structured_sparsity.csv"
	maxStructuredBytes  = 16 << 20
	maxStructuredLayers = 1 << 10
	maxDimension        = 1 << 22
)

// layerNumber finds the transformer block in a module's path.
var layerNumber = regexp.MustCompile(`\blayers?\.(\d{1,4})\.`)

// readStructured reads structured_sparsity.csv as NNCF or [jpqd.Trainer] writes
// it. It is all that tells of the layers where the weights are not at hand.
func readStructured(path string) ([]Layer, error) {
	data, err := readRegular(path, maxStructuredBytes)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: found an empty file, want a header and rows", path)
	}
	var columns [6]int
	for i, name := range []string{"torch_module", "weight_shape", "pruned_weight_shape", "bias_shape", "pruned_bias_shape", "head_or_channel_id_to_keep"} {
		if columns[i] = slices.Index(rows[0], name); columns[i] < 0 {
			return nil, fmt.Errorf("%s: found no column %q", path, name)
		}
	}
	var layers []Layer
	for i, row := range rows[1:] {
		if err := addStructured(&layers, row, columns); err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", path, i+1, err)
		}
	}
	// A layer without heads does not say how many it had; the others do.
	heads := 0
	for i := range layers {
		heads = max(heads, layers[i].AllHeads)
	}
	for i := range layers {
		if layers[i].AllHeads == 0 && layers[i].Heads != nil {
			layers[i].AllHeads = heads
		}
	}
	return layers, nil
}

// addStructured adds one member of a group to its layer.
func addStructured(layers *[]Layer, row []string, columns [6]int) error {
	module := row[columns[0]]
	found := layerNumber.FindStringSubmatch(module)
	if found == nil {
		return fmt.Errorf("torch_module: found %.80q, want a path with a layer's number", module)
	}
	index, _ := strconv.Atoi(found[1]) // at most four digits
	if index >= maxStructuredLayers {
		return fmt.Errorf("torch_module: found layer %d, want less than %d", index, maxStructuredLayers)
	}
	var shapes [4][]int
	for i, dims := range []int{2, 2, 1, 1} {
		var err error
		if shapes[i], err = parseShape(row[columns[i+1]], dims); err != nil {
			return err
		}
	}
	for len(*layers) <= index {
		*layers = append(*layers, Layer{})
	}
	l := &(*layers)[index]
	weight, pruned, bias, prunedBias := shapes[0], shapes[1], shapes[2], shapes[3]
	if pruned[0] > weight[0] || pruned[1] > weight[1] || prunedBias[0] > bias[0] {
		return fmt.Errorf("pruned_weight_shape: found %v of %v, want at most that", pruned, weight)
	}
	part := &l.FeedForward
	attention := strings.Contains(module, "attention")
	if attention {
		part = &l.Attention
	}
	part.Kept += pruned[0]*pruned[1] + prunedBias[0]
	part.All += weight[0]*weight[1] + bias[0]
	switch { // a group's first member is one that loses rows
	case !attention && l.AllNeurons == 0:
		l.Neurons, l.AllNeurons = pruned[0], weight[0]
	case attention && l.Heads == nil:
		return l.addHeads(row[columns[5]], weight[0], pruned[0])
	}
	return nil
}

// addHeads reads the ids of the heads that are kept; rows are those of the
// query's weight.
func (l *Layer) addHeads(text string, rows, keptRows int) error {
	ids, err := parseIDs(text)
	if err != nil {
		return err
	}
	if len(ids) > 0 && keptRows > 0 && keptRows%len(ids) == 0 {
		l.AllHeads = rows / (keptRows / len(ids))
	}
	for _, id := range ids {
		if l.AllHeads == 0 || id >= l.AllHeads {
			return fmt.Errorf("head_or_channel_id_to_keep: found %d, want a head of the layer's %d", id, l.AllHeads)
		}
	}
	l.Heads = ids
	return nil
}

// parseShape reads a tuple as Python prints it.
func parseShape(text string, dims int) ([]int, error) {
	inner, ok := strings.CutPrefix(text, "(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	words := strings.Split(strings.TrimSuffix(inner, ","), ",")
	shape := make([]int, len(words))
	for i, word := range words {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 0 || n > maxDimension {
			ok = false
		}
		shape[i] = n
	}
	if !ok || !ok2 || len(shape) != dims {
		return nil, fmt.Errorf("found the shape %.40q, want %d numbers in parentheses", text, dims)
	}
	return shape, nil
}

// parseIDs reads a list of ids; nil for "[N items]", which only counts them.
func parseIDs(text string) ([]int, error) {
	inner, ok := strings.CutPrefix(text, "[")
	inner, ok2 := strings.CutSuffix(inner, "]")
	ids := []int{}
	for _, word := range strings.Fields(strings.ReplaceAll(inner, ",", " ")) {
		id, err := strconv.Atoi(word)
		if word == "items" {
			return nil, nil
		}
		if err != nil && !strings.HasSuffix(inner, " items") || id < 0 {
			ok = false
		}
		ids = append(ids, id)
	}
	if !ok || !ok2 {
		return nil, fmt.Errorf("head_or_channel_id_to_keep: found %.40q, want a list of ids", text)
	}
	return ids, nil
}
