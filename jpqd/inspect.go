package jpqd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
)

// NodeReport is what a configuration makes of one node of a model's graph.
type NodeReport struct {
	Name   string // what scopes are compared with
	Kind   NodeKind
	Module string // Hugging Face's path of the parameters; "" for nodes without

	Sections []SectionReport // those of the configuration
	Sparsity *SparsityReport // nil: the node has no weight, or the configuration no movement_sparsity

	Weight      *QuantizerReport  // of the weight or table; nil: it is not quantized
	Activations []QuantizerReport // of the inputs that are quantized
}

// SectionReport says whether a section considers a node, and why.
type SectionReport struct {
	Section    string // "movement_sparsity", "quantization", "quantization.weights" or "quantization.activations"
	Considered bool
	List       string // where Scope is: "ignored_scopes" or "target_scopes"; "" where no scope matches
	Scope      string // the first one that matches, as it is configured
}

// SparsityReport says what granularity a Linear's importance scores have.
type SparsityReport struct {
	Structure    *SparseStructure // nil: none, and Why says why
	Item         int              // of sparse_structure_by_scopes; -1: none matches, which makes it "fine"
	Why          string
	Group        int    // id of its structured group, as in structured_sparsity.csv; -1: none
	GroupName    string // "attention", "feed_forward" or "head"
	GroupSkipped string // why the group is not formed; "": it is
}

// QuantizerReport describes a quantizer.
type QuantizerReport struct {
	Name       string // the prefix of its entries in a checkpoint, NNCF's
	Mode       string // "symmetric" or "asymmetric"
	PerChannel bool
	Input      int      // of the node; -1: the weight
	SharedWith []string // names of the other nodes whose inputs it quantizes
}

// InspectScopes says for every node of a model's graph, in the order of
// execution, what the configuration makes of it. Where scopes are wrong (they
// match nothing, several structures match one layer, an expression does not
// compile) it returns the error and what follows from the others.
func InspectScopes(cfg bert.Config, nncf *NNCFConfig) ([]NodeReport, error) {
	family, err := familyOf(&cfg)
	if err != nil {
		return nil, err
	}
	i := inspector{family: family, model: &cfg, nodes: family.Nodes(cfg.NumHiddenLayers)}
	i.fail(nncf.validateScopes(i.nodes))
	i.config = i.usable(nncf)
	i.reports = make([]NodeReport, len(i.nodes))
	for at, n := range i.nodes {
		i.reports[at] = NodeReport{Name: n.Name, Kind: n.Kind, Module: n.Module}
	}
	if i.config.MovementSparsity != nil {
		i.inspectSparsity(i.config.MovementSparsity)
	}
	if i.config.Quantization != nil {
		i.inspectQuantization(i.config.Quantization)
	}
	return i.reports, errors.Join(i.errs...)
}

// inspector is the state of InspectScopes.
type inspector struct {
	family  *Family
	model   *bert.Config
	config  *NNCFConfig // with scopes that compile
	nodes   []Node
	reports []NodeReport
	errs    []error
}

func (i *inspector) fail(err error) {
	if err != nil {
		i.errs = append(i.errs, err)
	}
}

// usable copies a configuration without the scopes that do not compile. It
// notes errors of those that validateScopes does not read.
func (i *inspector) usable(nncf *NNCFConfig) *NNCFConfig {
	scopes := func(list Scopes, path string) Scopes {
		return slices.DeleteFunc(slices.Clone(list), func(scope string) bool {
			_, err := compileScope(scope)
			if err != nil && path != "" {
				i.fail(fmt.Errorf("%s: %w", path, err))
			}
			return err != nil
		})
	}
	filter := func(f *ScopeFilter) { f.Ignored, f.Target = scopes(f.Ignored, ""), scopes(f.Target, "") }
	c := *nncf
	if c.MovementSparsity != nil {
		m := *c.MovementSparsity
		filter(&m.ScopeFilter)
		m.Structures = slices.Clone(m.Structures)
		for at := range m.Structures {
			m.Structures[at].Target = scopes(m.Structures[at].Target, structurePath(at)+".target_scopes")
		}
		c.MovementSparsity = &m
	}
	if c.Quantization != nil {
		q := *c.Quantization
		filter(&q.ScopeFilter)
		group := func(g *QuantizerGroup, key string) {
			filter(&g.ScopeFilter)
			g.Overrides = slices.Clone(g.Overrides)
			for at := range g.Overrides {
				g.Overrides[at].Target = scopes(g.Overrides[at].Target, "quantization.scope_overrides."+key)
			}
		}
		group(&q.Weights, "weights")
		group(&q.Activations, "activations")
		c.Quantization = &q
	}
	return &c
}

// report says what a section's scopes make of a node.
func (m filterMatcher) report(section, node string) SectionReport {
	r := SectionReport{Section: section, Considered: m.considered(node)}
	if scope := m.ignored.find(node); scope != nil {
		r.List, r.Scope = "ignored_scopes", scope.text
	} else if scope := m.target.find(node); scope != nil {
		r.List, r.Scope = "target_scopes", scope.text
	}
	return r
}

// inspectSparsity reports on movement_sparsity.
func (i *inspector) inspectSparsity(cfg *MovementSparsityConfig) {
	m, err := cfg.compileStructures()
	i.fail(err)
	structures := map[string]*SparseStructure{}
	for at, n := range i.nodes {
		section := m.filter.report("movement_sparsity", n.Name)
		i.reports[at].Sections = append(i.reports[at].Sections, section)
		if n.Module == "" {
			continue
		}
		s := &SparsityReport{Item: -1, Group: -1}
		i.reports[at].Sparsity = s
		switch {
		case n.Kind != Linear:
			s.Why = "only Linear layers are sparsified"
		case !section.Considered && section.List == "ignored_scopes":
			s.Why = fmt.Sprintf("%q of ignored_scopes matches", section.Scope)
		case !section.Considered:
			s.Why = "no scope of target_scopes matches"
		default:
			i.inspectStructure(s, m, n, cfg)
			structures[n.Module] = s.Structure
		}
	}
	if len(structures) == 0 {
		i.fail(errNotSparsifiable)
	}
	if cfg.EnableStructuredMasking {
		i.inspectGroups(structures)
	}
}

// inspectStructure finds the granularity of a Linear that is considered.
func (i *inspector) inspectStructure(s *SparsityReport, m structureMatcher, n Node, cfg *MovementSparsityConfig) {
	items, err := m.items(n.Name)
	if err != nil {
		s.Why = "it is matched by multiple items"
		i.fail(err)
		return
	}
	structure := fineStructure
	if len(items) > 0 {
		s.Item, structure = items[0], cfg.Structures[items[0]]
	}
	rows, cols := i.linearShape(n)
	if err := structure.check(n.Module, rows, cols); err != nil {
		s.Why = "the structure does not fit the weight"
		i.fail(fmt.Errorf("movement_sparsity.sparse_structure_by_scopes: %s: %w", structure.Target, err))
		return
	}
	s.Structure = &structure
}

// linearShape is the shape of a Linear's weight: those of the feed-forward
// groups are between hidden and intermediate states, the last one of the graph
// gives the labels, and all others map hidden states to hidden states.
func (i *inspector) linearShape(n Node) (rows, cols int) {
	hidden, intermediate := i.model.HiddenSize, i.model.IntermediateSize
	for _, rule := range i.family.Groups {
		for _, m := range rule.Members {
			if !rule.PerHead && n.Layer >= 0 && fmt.Sprintf(m.Module, n.Layer) == n.Module {
				if m.Columns {
					return hidden, intermediate
				}
				return intermediate, hidden
			}
		}
	}
	for at := len(i.nodes) - 1; at >= 0; at-- {
		if i.nodes[at].Kind == Linear {
			if i.nodes[at].Module == n.Module {
				return i.model.NumLabels(), hidden
			}
			break
		}
	}
	return hidden, hidden
}

// inspectGroups reports on structured groups of the layers with these structures.
func (i *inspector) inspectGroups(structures map[string]*SparseStructure) {
	reports := map[string]*SparsityReport{}
	for _, r := range i.reports {
		reports[r.Module] = r.Sparsity
	}
	for _, g := range i.family.groupInstances(i.model.NumHiddenLayers) {
		problem := g.problem(func(module string) *SparseStructure { return structures[module] })
		for _, m := range g.members {
			s := reports[m.Module]
			s.Group, s.GroupName, s.GroupSkipped = g.id, g.Name, problem
		}
	}
}

// inspectQuantization reports on quantization.
func (i *inspector) inspectQuantization(cfg *QuantizationConfig) {
	place, err := newPlacement(cfg, i.config.TargetDevice)
	if err != nil {
		i.fail(err)
		return
	}
	solution, err := place.solve(i.family, i.nodes)
	i.fail(err)
	for at, n := range i.nodes {
		r := &i.reports[at]
		r.Sections = append(r.Sections,
			place.section.report("quantization", n.Name),
			place.weights.filter.report("quantization.weights", n.Name),
			place.activations.filter.report("quantization.activations", n.Name))
		if m := place.weightMode(n, solution.perTensor[at]); m != nil {
			sparse := r.Sparsity != nil && r.Sparsity.Structure != nil
			r.Weight = &QuantizerReport{Name: weightQuantizerName(n.Module, sparse), Mode: m.Mode, PerChannel: *m.PerChannel, Input: -1}
		}
	}
	for _, q := range solution.quantizers {
		for _, o := range q.operands {
			r := QuantizerReport{Name: q.name(i.nodes), Mode: q.mode.Mode, Input: o.index}
			for _, other := range q.operands {
				if name := i.nodes[other.node].Name; other.node != o.node && !slices.Contains(r.SharedWith, name) {
					r.SharedWith = append(r.SharedWith, name)
				}
			}
			i.reports[o.node].Activations = append(i.reports[o.node].Activations, r)
		}
	}
	for at := range i.reports {
		slices.SortFunc(i.reports[at].Activations, func(a, b QuantizerReport) int { return a.Input - b.Input })
	}
}
