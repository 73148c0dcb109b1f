package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/go-jpqd/jpqd/jpqd"
)

// scopesReport is what `jpqd scopes` tells. Its JSON keys are those of --json.
type scopesReport struct {
	Architecture  string           `json:"architecture"`
	Configuration string           `json:"nncf_compression_config"`
	Nodes         []scopeNode      `json:"nodes"` // in the order of execution
	Unmatched     []unmatchedScope `json:"unmatched_scopes"`
	Errors        []string         `json:"errors"`
}

type scopeNode struct {
	Name     string           `json:"name"`
	Kind     jpqd.NodeKind    `json:"kind"`
	Module   string           `json:"module,omitempty"`
	Sections []scopeSection   `json:"sections"`
	Sparsity *scopeSparsity   `json:"sparsity,omitempty"`
	Weight   *scopeQuantizer  `json:"weight_quantizer,omitempty"`
	Inputs   []scopeQuantizer `json:"input_quantizers,omitempty"`
}

type scopeSection struct {
	Section    string `json:"section"`
	Considered bool   `json:"considered"`
	List       string `json:"list,omitempty"`  // of the scope
	Scope      string `json:"scope,omitempty"` // the first that matches
}

type scopeSparsity struct {
	Structure string `json:"structure,omitempty"` // as "block 32×32"
	Item      *int   `json:"sparse_structure_by_scopes,omitempty"`
	Why       string `json:"why,omitempty"` // there is no structure
	Group     string `json:"group,omitempty"`
	GroupID   *int   `json:"group_id,omitempty"`
	Skipped   string `json:"group_skipped,omitempty"` // why the group is not formed
}

type scopeQuantizer struct {
	Name       string   `json:"name"`
	Mode       string   `json:"mode"`
	PerChannel bool     `json:"per_channel"`
	Input      *int     `json:"input,omitempty"`
	SharedWith []string `json:"shared_with,omitempty"`
}

func newScopeNode(r jpqd.NodeReport) scopeNode {
	n := scopeNode{Name: r.Name, Kind: r.Kind, Module: r.Module}
	for _, s := range r.Sections {
		n.Sections = append(n.Sections, scopeSection{s.Section, s.Considered, s.List, s.Scope})
	}
	if s := r.Sparsity; s != nil {
		n.Sparsity = &scopeSparsity{Why: s.Why, Group: s.GroupName, Skipped: s.GroupSkipped}
		if s.Structure != nil {
			n.Sparsity.Structure = structureText(*s.Structure)
		}
		if s.Item >= 0 {
			n.Sparsity.Item = &s.Item
		}
		if s.Group >= 0 {
			n.Sparsity.GroupID = &s.Group
		}
	}
	if q := r.Weight; q != nil {
		n.Weight = &scopeQuantizer{Name: q.Name, Mode: q.Mode, PerChannel: q.PerChannel}
	}
	for _, q := range r.Activations {
		n.Inputs = append(n.Inputs, scopeQuantizer{Name: q.Name, Mode: q.Mode, PerChannel: q.PerChannel, Input: &q.Input, SharedWith: q.SharedWith})
	}
	return n
}

func structureText(s jpqd.SparseStructure) string {
	switch s.Mode {
	case jpqd.Block:
		return fmt.Sprintf("block %d×%d", s.Factors[0], s.Factors[1])
	case jpqd.PerDim:
		return fmt.Sprintf("per_dim axis %d", s.Axis)
	}
	return string(s.Mode)
}

// layerElement is the part of a node's name that numbers its layer; attributes
// of other elements are words.
var layerElement = regexp.MustCompile(`\[(\d+)\]`)

// layerOf is the number of a node's layer; -1 outside of layers.
func layerOf(name string) int {
	m := layerElement.FindStringSubmatch(name)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// scopeRow is a line of the table: its columns, and the node's name.
type scopeRow struct {
	columns string // joined by tabs
	name    string
}

func (n *scopeNode) row(withID bool) scopeRow {
	structure, group, weight, inputs := "-", "-", "-", "-"
	if s := n.Sparsity; s != nil && s.Structure != "" {
		structure = s.Structure
		if s.Item != nil {
			structure += fmt.Sprintf(" (%d)", *s.Item)
		}
		switch {
		case s.Group == "":
		case s.Skipped != "":
			group = s.Group + ", skipped"
		case withID && s.GroupID != nil:
			group = fmt.Sprintf("%s %d", s.Group, *s.GroupID)
		default:
			group = s.Group
		}
	}
	if n.Weight != nil {
		weight = n.Weight.text()
	}
	var words []string
	for i := range n.Inputs {
		q := &n.Inputs[i]
		word := fmt.Sprintf("%d %s", *q.Input, q.text())
		if len(q.SharedWith) > 0 {
			word += " with " + strings.Join(relative(n.Name, q.SharedWith), " and ")
		}
		words = append(words, word)
	}
	if words != nil {
		inputs = strings.Join(words, ", ")
	}
	return scopeRow{strings.Join([]string{string(n.Kind), structure, group, weight, inputs, n.scopes()}, "\t"), n.Name}
}

func (q *scopeQuantizer) text() string {
	if q.Input == nil && q.PerChannel {
		return q.Mode + " per channel"
	}
	return q.Mode
}

// relative shortens the names of nodes to what tells them from name: their last
// element, and where they are of another layer, how far away that is.
func relative(name string, others []string) []string {
	var short []string
	for _, other := range others {
		parts := strings.Split(other, "/")
		text := parts[len(parts)-1]
		if len(parts) > 1 {
			text = parts[len(parts)-2] + "/" + text
		}
		if from, to := layerOf(name), layerOf(other); from >= 0 && to >= 0 && from != to {
			text += fmt.Sprintf(" of layer %+d", to-from)
		}
		short = append(short, text)
	}
	return short
}

// scopes says by which scopes sections take or leave the node.
func (n *scopeNode) scopes() string {
	var words []string
	for _, s := range n.Sections {
		switch {
		case s.Scope != "" && s.Considered:
			words = append(words, fmt.Sprintf("%s: takes it by %s", s.Section, s.Scope))
		case s.Scope != "" && s.List == "ignored_scopes":
			words = append(words, fmt.Sprintf("%s: ignores it by %s", s.Section, s.Scope))
		case !s.Considered:
			words = append(words, s.Section+": in no target_scopes")
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, "; ")
}

// print writes the table. Of layers that are alike only one is printed, with the
// range of their numbers in its name, unless all is set.
func (s *scopesReport) print(c *console, nncf *jpqd.NNCFConfig, all bool) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "KIND\tSTRUCTURE\tGROUP\tWEIGHT\tINPUTS\tSCOPES\tNODE\n")
	for _, row := range s.rows(all) {
		fmt.Fprintf(w, "%s\t%s\n", row.columns, row.name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Nodes) == 0 {
		fmt.Fprintln(c.err, "no node has a name that matches --filter")
	}
	if m := nncf.MovementSparsity; m != nil {
		for i, structure := range m.Structures {
			if _, err := fmt.Fprintf(c.out, "(%d) %s: %s\n", i, structureText(structure), strings.Join(structure.Target, ", ")); err != nil {
				return err
			}
		}
	}
	skipped := map[int]bool{}
	for _, n := range s.Nodes {
		if n.Sparsity != nil && n.Sparsity.Skipped != "" && !skipped[*n.Sparsity.GroupID] {
			skipped[*n.Sparsity.GroupID] = true
			fmt.Fprintf(c.err, "group %d (%s) is not formed: %s\n", *n.Sparsity.GroupID, n.Sparsity.Group, n.Sparsity.Skipped)
		}
	}
	for _, u := range s.Unmatched {
		hint := ""
		if len(u.DidYouMean) > 0 {
			hint = "; did you mean\n    " + strings.Join(u.DidYouMean, "\n    ")
		}
		fmt.Fprintf(c.err, "%s: %q matches no node%s\n", u.Section, u.Scope, hint)
	}
	return nil
}

// rows are the lines of the table, layers that are alike folded into one.
func (s *scopesReport) rows(all bool) []scopeRow {
	var rows []scopeRow
	for i := 0; i < len(s.Nodes); {
		first := layerOf(s.Nodes[i].Name)
		rowsOfLayer, end := s.layer(i, all)
		last := first
		if first >= 0 && !all {
			for end < len(s.Nodes) && layerOf(s.Nodes[end].Name) == last+1 {
				next, nextEnd := s.layer(end, all)
				if !sameRows(rowsOfLayer, next) {
					break
				}
				last, end = last+1, nextEnd
			}
		}
		if last > first {
			for j := range rowsOfLayer {
				rowsOfLayer[j].name = inLayers(rowsOfLayer[j].name, fmt.Sprintf("[%d–%d]", first, last))
			}
		}
		rows = append(rows, rowsOfLayer...)
		i = end
	}
	return rows
}

// layer is the rows of the layer that begins at node i, and the node behind it.
func (s *scopesReport) layer(i int, withID bool) (rows []scopeRow, end int) {
	number := layerOf(s.Nodes[i].Name)
	for end = i; end < len(s.Nodes) && layerOf(s.Nodes[end].Name) == number; end++ {
		rows = append(rows, s.Nodes[end].row(withID))
	}
	return rows, end
}

// sameRows says whether rows differ in nothing but the number of the layer.
func sameRows(a, b []scopeRow) bool {
	return slices.EqualFunc(a, b, func(x, y scopeRow) bool {
		return x.columns == y.columns && inLayers(x.name, "[]") == inLayers(y.name, "[]")
	})
}

// inLayers replaces the number of the layer in a name.
func inLayers(name, by string) string {
	at := layerElement.FindStringIndex(name)
	if at == nil {
		return name
	}
	return name[:at[0]] + by + name[at[1]:]
}
