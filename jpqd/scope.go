package jpqd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// regexMarker tells a regular expression from a node name.
const regexMarker = "{re}"

// Match reports whether any scope of the list matches a graph node's name. A
// scope with the marker "{re}" is, without it, a regular expression that may
// match anywhere in the name; any other scope must equal the name.
func (s Scopes) Match(node string) (bool, error) {
	m, err := s.compile()
	if err != nil {
		return false, err
	}
	return m.match(node), nil
}

// scopeMatcher is a compiled list of scopes.
type scopeMatcher []compiledScope

func (s Scopes) compile() (scopeMatcher, error) {
	m := make(scopeMatcher, len(s))
	for i, scope := range s {
		compiled, err := compileScope(scope)
		if err != nil {
			return nil, err
		}
		m[i] = compiled
	}
	return m, nil
}

func (m scopeMatcher) match(node string) bool { return m.find(node) != nil }

// find is the first scope that matches; nil for none.
func (m scopeMatcher) find(node string) *compiledScope {
	for i := range m {
		if m[i].match(node) {
			return &m[i]
		}
	}
	return nil
}

// compiledScope is one scope string, ready to be compared with names.
type compiledScope struct {
	text       string         // as configured
	expression *regexp.Regexp // nil: the name must equal text
}

func (s compiledScope) match(node string) bool {
	if s.expression == nil {
		return s.text == node
	}
	return s.expression.MatchString(node)
}

// openRepeat is a repetition without a lower bound: Python takes it as {0,n},
// Go as literal text.
var openRepeat = regexp.MustCompile(`\{,\d+\}`)

// lookaround is an assertion of Python's syntax that Go's lacks.
var lookaround = regexp.MustCompile(`\(\?<?[=!]`)

func compileScope(scope string) (compiledScope, error) {
	if !strings.Contains(scope, regexMarker) {
		return compiledScope{text: scope}, nil
	}
	pattern := strings.ReplaceAll(scope, regexMarker, "")
	fail := func(reason string) (compiledScope, error) {
		return compiledScope{}, fmt.Errorf("found %q, want a regular expression of Go's syntax: %s", scope, reason)
	}
	if open := openRepeat.FindString(pattern); open != "" {
		return fail(fmt.Sprintf("%s has no lower bound; write {0%s", open, open[1:]))
	}
	expression, err := regexp.Compile(pattern)
	if err == nil {
		return compiledScope{scope, expression}, nil
	}
	reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	if lookaround.MatchString(pattern) {
		reason += "; unlike Python's, it has no lookahead and lookbehind: list what is not meant in ignored_scopes"
	}
	return fail(reason)
}

// filterMatcher is a compiled ScopeFilter.
type filterMatcher struct {
	ignored, target scopeMatcher
	anyTarget       bool // there are no target_scopes: every node is one
}

func (f ScopeFilter) compile() (filterMatcher, error) {
	ignored, err := f.Ignored.compile()
	if err != nil {
		return filterMatcher{}, fmt.Errorf("ignored_scopes: %w", err)
	}
	target, err := f.Target.compile()
	if err != nil {
		return filterMatcher{}, fmt.Errorf("target_scopes: %w", err)
	}
	return filterMatcher{ignored, target, f.Target == nil}, nil
}

// considered reports whether a section is about the node.
func (m filterMatcher) considered(node string) bool {
	return (m.anyTarget || m.target.match(node)) && !m.ignored.match(node)
}

// validate checks, unless Validate is false, that every scope matches a node of
// the graph. section is the path of the keys, for the message.
func (f ScopeFilter) validate(section string, nodes []Node) error {
	m, err := f.compile()
	if err != nil {
		return fmt.Errorf("%s.%w", section, err)
	}
	if !f.Validate {
		return nil
	}
	var unmatched []string
	unmarked := false
	for _, list := range []struct {
		key    string
		scopes scopeMatcher
	}{{"ignored_scopes", m.ignored}, {"target_scopes", m.target}} {
		for _, scope := range list.scopes {
			if !scope.matchAny(nodes) {
				unmatched = append(unmatched, fmt.Sprintf("%q of %s", scope.text, list.key))
				unmarked = unmarked || scope.expression == nil
			}
		}
	}
	if unmatched == nil {
		return nil
	}
	hint := ""
	if unmarked {
		hint = "; without {re} a scope is the whole name of a node"
	}
	return fmt.Errorf("%s: found scopes that match no node of the model's graph, want each to match one unless validate_scopes is false: %s%s",
		section, strings.Join(unmatched, ", "), hint)
}

func (s compiledScope) matchAny(nodes []Node) bool {
	for _, node := range nodes {
		if s.match(node.Name) {
			return true
		}
	}
	return false
}

// validateScopes checks the scopes of all sections against the model's graph.
func (c *NNCFConfig) validateScopes(nodes []Node) error {
	var errs []error
	if s := c.MovementSparsity; s != nil {
		errs = append(errs, s.validate("movement_sparsity", nodes))
	}
	if q := c.Quantization; q != nil {
		errs = append(errs,
			q.validate("quantization", nodes),
			q.Weights.validate("quantization.weights", nodes),
			q.Activations.validate("quantization.activations", nodes))
	}
	return errors.Join(errs...)
}

// structureMatcher is a compiled section of movement sparsity.
type structureMatcher struct {
	filter  filterMatcher
	targets []scopeMatcher // of sparse_structure_by_scopes
}

func (cfg *MovementSparsityConfig) compileStructures() (structureMatcher, error) {
	filter, err := cfg.compile()
	if err != nil {
		return structureMatcher{}, fmt.Errorf("movement_sparsity.%w", err)
	}
	m := structureMatcher{filter, make([]scopeMatcher, len(cfg.Structures))}
	for i, s := range cfg.Structures {
		if m.targets[i], err = s.Target.compile(); err != nil {
			return m, fmt.Errorf("%s.target_scopes: %w", structurePath(i), err)
		}
	}
	return m, nil
}

// items are the items of sparse_structure_by_scopes that match a node. More
// than one is an error.
func (m structureMatcher) items(node string) ([]int, error) {
	var items []int
	var paths []string
	for i, target := range m.targets {
		if target.match(node) {
			items, paths = append(items, i), append(paths, structurePath(i))
		}
	}
	if len(items) > 1 {
		return items, fmt.Errorf("movement_sparsity: %q is matched by multiple items in `sparse_structure_by_scopes`: found %s, want at most one",
			node, strings.Join(paths, " and "))
	}
	return items, nil
}

// fineStructure is that of a Linear that no item matches.
var fineStructure = SparseStructure{Mode: Fine, Factors: [2]int{1, 1}}

var errNotSparsifiable = errors.New("movement_sparsity: No sparsifiable layer found: ignored_scopes and target_scopes leave no Linear layer, want at least one")

// resolveStructures decides which layers get importance scores, and of which
// granularity: the Linear layers that the section considers, each with the
// structure whose scopes match it, or "fine" where none does. The key is the
// node's Module.
func resolveStructures(nodes []Node, cfg *MovementSparsityConfig) (map[string]SparseStructure, error) {
	m, err := cfg.compileStructures()
	if err != nil {
		return nil, err
	}
	structures := map[string]SparseStructure{}
	for _, node := range nodes {
		if node.Kind != Linear || !m.filter.considered(node.Name) {
			continue
		}
		items, err := m.items(node.Name)
		if err != nil {
			return nil, err
		}
		structures[node.Module] = fineStructure
		for _, i := range items {
			structures[node.Module] = cfg.Structures[i]
		}
	}
	if len(structures) == 0 {
		return nil, errNotSparsifiable
	}
	return structures, nil
}

func structurePath(i int) string {
	return fmt.Sprintf("movement_sparsity.sparse_structure_by_scopes[%d]", i)
}

// check reports whether a weight of (rows, cols) can be scored in this structure.
func (s SparseStructure) check(module string, rows, cols int) error {
	fail := func(sentence, want string) error {
		return fmt.Errorf("%s: %s: found a weight of (%d, %d), want %s", module, sentence, rows, cols, want)
	}
	r, c := s.Factors[0], s.Factors[1]
	switch {
	case s.Mode == PerDim && (s.Axis < 0 || s.Axis > 1):
		return fmt.Errorf("%s: Invalid axis id: found %d, want 0 for rows or 1 for columns", module, s.Axis)
	case s.Mode != Block:
		return nil
	case r < 1 || c < 1:
		return fmt.Errorf("%s: Invalid sparse config. found sparse_factors [%d, %d], want two positive integers", module, r, c)
	case rows%r != 0:
		return fail(fmt.Sprintf("r: %d is not a factor of dim axis 0.", r), "rows that are a multiple of it")
	case cols%c != 0:
		return fail(fmt.Sprintf("c: %d is not a factor of dim axis 1.", c), "columns that are a multiple of it")
	}
	return nil
}
