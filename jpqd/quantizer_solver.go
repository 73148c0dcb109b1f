package jpqd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// operand is an input of a node.
type operand struct {
	node  int // index in the list of nodes
	index int // of the node's inputs
}

// insertionPoint is where a quantizer is put into the graph.
type insertionPoint struct {
	node  int
	input int // the quantizer is in front of this input; -1: behind the node
}

// name is the point as NNCF's state dictionaries have it.
func (p insertionPoint) name(nodes []Node) string {
	if p.input < 0 {
		return nodes[p.node].Name + "|OUTPUT"
	}
	return fmt.Sprintf("%s|INPUT%d", nodes[p.node].Name, p.input)
}

// solvedQuantizer is an activation quantizer that the solver has placed.
type solvedQuantizer struct {
	points   []insertionPoint // more than one only where unified_scale_ops links them
	operands []operand        // what it quantizes, in the order of execution
	mode     QuantizerMode
}

// name is NNCF's key of the quantizer: points that share it are joined by semicolons.
func (q *solvedQuantizer) name(nodes []Node) string {
	names := make([]string, len(q.points))
	for i, p := range q.points {
		names[i] = p.name(nodes)
	}
	return "_nncf.external_quantizers." + strings.Join(names, ";")
}

// solverRules is what the solver must know besides the graph.
type solverRules struct {
	traits     map[NodeKind]QuantizerTrait
	considered func(node string) bool           // whether inputs of the node may be quantized
	mode       func(node string) QuantizerMode  // of the quantizers that the node asks for
	table      func(node string) *QuantizerMode // of an embedding's table; nil: not quantized
	outputs    bool                             // quantize_outputs
	unified    [][]string                       // unified_scale_ops
}

// placementSolution is the result of the solver.
type placementSolution struct {
	quantizers []*solvedQuantizer
	perTensor  map[int]bool // embeddings whose table must have one scale, for it stands for an activation quantizer
}

// solveQuantizers decides where activation quantizers go, as NNCF's quantizer
// propagation does:
//
//   - A node that is executed on integers asks for a quantizer on each input. An
//     ignored node asks for none.
//   - Quantizers move up, from the input of a node to the output of the one
//     before it, and through nodes that are agnostic and not ignored. Everything
//     else stops them.
//   - Where a tensor goes several ways, its quantizers become one above the
//     branching if every way has one and all have the same configuration.
//     Otherwise all of them stay below it.
//   - A matrix product and the activation or one-operand sum, product or
//     quotient that alone follows it are executed as one: nothing is quantized
//     between them, and scopes are compared with the first one's name.
//   - Right behind an embedding an activation quantizer is left out where that of
//     the table will do: a symmetric one. The table then has one scale instead
//     of one for each row.
//   - Arithmetic of the attention mask and of integers has no quantizers. (NNCF
//     has none to two for the mask, by version; a mask is exact in any of them.)
//
// It depends on nothing but its arguments. The nodes must be in an order of execution.
func solveQuantizers(nodes []Node, rules solverRules) (*placementSolution, error) {
	s := &solver{nodes: nodes, rules: rules, consumers: make([][]operand, len(nodes)), fusedWith: make([]int, len(nodes))}
	for i, n := range nodes {
		for index, from := range n.Inputs {
			s.consumers[from] = append(s.consumers[from], operand{i, index})
		}
	}
	s.fuse()
	s.solution.perTensor = map[int]bool{}
	asked := map[operand]*solvedQuantizer{} // quantizers that have arrived in front of inputs
	for i := len(nodes) - 1; i >= 0; i-- {
		merged := s.merge(i, asked)
		switch {
		case merged == nil:
		case s.trait(i) == QuantizerAgnostic: // the first input is the tensor that it moves
			asked[operand{i, 0}] = merged
			merged.points = []insertionPoint{{i, 0}}
			continue
		case s.trait(i) == QuantizedTable && s.tableWillDo(i, merged.mode):
			s.solution.perTensor[i] = true
		default:
			s.solution.quantizers = append(s.solution.quantizers, merged)
		}
		if s.asks(i) {
			for index, from := range nodes[i].Inputs {
				if kind := nodes[from].Kind; kind != Mask && kind != Integers {
					o := operand{i, index}
					asked[o] = &solvedQuantizer{points: []insertionPoint{{i, index}}, operands: []operand{o}, mode: rules.mode(nodes[s.fusedWith[i]].Name)}
				}
			}
		}
	}
	slices.SortFunc(s.solution.quantizers, func(a, b *solvedQuantizer) int { return a.operands[0].compare(b.operands[0]) })
	return &s.solution, s.unify()
}

func (o operand) compare(other operand) int {
	return cmp.Or(cmp.Compare(o.node, other.node), cmp.Compare(o.index, other.index))
}

// solver is the state of solveQuantizers.
type solver struct {
	nodes     []Node
	rules     solverRules
	consumers [][]operand // of each node's output
	fusedWith []int       // the node that a node is executed with and named after; itself for most
	solution  placementSolution
}

// fuse finds the nodes that are executed with the one before them.
func (s *solver) fuse() {
	for i := range s.nodes {
		s.fusedWith[i] = i
	}
	for i, n := range s.nodes {
		if n.Kind != Linear && n.Kind != MatMul || len(s.consumers[i]) != 1 {
			continue
		}
		next := s.consumers[i][0].node
		switch s.nodes[next].Kind {
		case Add, Div, GELU, ReLU:
			if len(s.nodes[next].Inputs) == 1 {
				s.fusedWith[next] = i
			}
		}
	}
}

// trait is that of a node in its place: ignored nodes have float inputs.
func (s *solver) trait(i int) QuantizerTrait {
	if !s.rules.considered(s.nodes[s.fusedWith[i]].Name) {
		return FloatInputs
	}
	if s.nodes[i].Kind == Output && s.rules.outputs {
		return QuantizedInputs
	}
	return s.rules.traits[s.nodes[i].Kind]
}

// asks says whether a node asks for quantizers on its inputs.
func (s *solver) asks(i int) bool {
	return s.fusedWith[i] == i && s.trait(i) == QuantizedInputs
}

// merge takes the quantizers in front of all consumers of a node's output. It
// returns the one that moves up to the output, or nil where they stay.
func (s *solver) merge(i int, asked map[operand]*solvedQuantizer) *solvedQuantizer {
	var arrived []*solvedQuantizer
	for _, o := range s.consumers[i] {
		if q := asked[o]; q != nil {
			arrived = append(arrived, q)
		}
	}
	if len(arrived) == 0 {
		return nil
	}
	for _, q := range arrived {
		if len(arrived) < len(s.consumers[i]) || !q.mode.same(arrived[0].mode) {
			s.solution.quantizers = append(s.solution.quantizers, arrived...)
			return nil
		}
	}
	merged := &solvedQuantizer{points: []insertionPoint{{i, -1}}, mode: arrived[0].mode}
	for _, q := range arrived {
		merged.operands = append(merged.operands, q.operands...)
	}
	slices.SortFunc(merged.operands, operand.compare)
	return merged
}

// tableWillDo says whether the quantizer of an embedding's table, whose integers
// have a sign, is as good as one of the given mode behind it.
func (s *solver) tableWillDo(i int, mode QuantizerMode) bool {
	table := s.rules.table(s.nodes[i].Name)
	return table != nil && table.Mode == mode.Mode && (table.PerChannel == nil || !*table.PerChannel) && (mode.Signed == nil || *mode.Signed)
}

// same says whether two quantizers may be one.
func (m QuantizerMode) same(other QuantizerMode) bool {
	equal := func(a, b *bool) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	return m.Mode == other.Mode && m.Bits == other.Bits && equal(m.Signed, other.Signed) && equal(m.PerChannel, other.PerChannel)
}

// unify makes one of the quantizers that serve the nodes of each list of
// unified_scale_ops.
func (s *solver) unify() error {
	const key = "quantization.activations.unified_scale_ops"
	group := map[*solvedQuantizer]int{}
	for g, names := range s.rules.unified {
		for _, name := range names {
			found := false
			for _, q := range s.solution.quantizers {
				if !q.serves(s.nodes, name) {
					continue
				}
				found = true
				if other, ok := group[q]; ok && other != g {
					return fmt.Errorf("%s[%d]: found %q, whose quantizer is that of %s[%d] as well, want lists that do not overlap", key, g, name, key, other)
				}
				group[q] = g
			}
			if !found {
				return fmt.Errorf("%s[%d]: No match for linked quantizer entry among activation quantizers: found %q, want the name of a node whose inputs are quantized", key, g, name)
			}
		}
	}
	first := make([]*solvedQuantizer, len(s.rules.unified))
	var kept []*solvedQuantizer
	for _, q := range s.solution.quantizers {
		g, linked := group[q]
		switch {
		case !linked:
		case first[g] == nil:
			first[g] = q
		case !first[g].mode.same(q.mode):
			return fmt.Errorf("%s[%d]: found quantizers of modes %q and %q, want one: they share their scale", key, g, first[g].mode.Mode, q.mode.Mode)
		default:
			first[g].points = append(first[g].points, q.points...)
			first[g].operands = append(first[g].operands, q.operands...)
			continue
		}
		kept = append(kept, q)
	}
	s.solution.quantizers = kept
	return nil
}

// serves says whether the quantizer is in front of an input of the named node.
func (q *solvedQuantizer) serves(nodes []Node, name string) bool {
	return slices.ContainsFunc(q.operands, func(o operand) bool { return nodes[o.node].Name == name })
}
