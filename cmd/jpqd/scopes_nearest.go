package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd"
)

// unmatchedScope is a scope that matches no node.
type unmatchedScope struct {
	Section    string   `json:"section"` // and key
	Scope      string   `json:"scope"`
	DidYouMean []string `json:"did_you_mean"` // nodes that come nearest
}

// unmatchedScopes are those of all sections, whether they are validated or not.
func unmatchedScopes(nncf *jpqd.NNCFConfig, nodes []jpqd.NodeReport) []unmatchedScope {
	unmatched := []unmatchedScope{}
	check := func(section string, scopes jpqd.Scopes) {
		for _, scope := range scopes {
			single := jpqd.Scopes{scope}
			matched := slices.ContainsFunc(nodes, func(n jpqd.NodeReport) bool {
				ok, err := single.Match(n.Name)
				return ok || err != nil // an expression that does not compile is an error of its own
			})
			if !matched {
				unmatched = append(unmatched, unmatchedScope{section, scope, nearestNodes(scope, nodes)})
			}
		}
	}
	filter := func(section string, f jpqd.ScopeFilter) {
		check(section+".ignored_scopes", f.Ignored)
		check(section+".target_scopes", f.Target)
	}
	if m := nncf.MovementSparsity; m != nil {
		filter("movement_sparsity", m.ScopeFilter)
		for i, s := range m.Structures {
			check(fmt.Sprintf("movement_sparsity.sparse_structure_by_scopes[%d].target_scopes", i), s.Target)
		}
	}
	if q := nncf.Quantization; q != nil {
		filter("quantization", q.ScopeFilter)
		for _, group := range []struct {
			name string
			jpqd.QuantizerGroup
		}{{"weights", q.Weights}, {"activations", q.Activations}} {
			filter("quantization."+group.name, group.ScopeFilter)
			for _, o := range group.Overrides {
				check("quantization.scope_overrides."+group.name, o.Target)
			}
		}
		for i, r := range q.Range {
			filter(fmt.Sprintf("quantization.initializer.range[%d]", i), jpqd.ScopeFilter{Ignored: r.Ignored, Target: r.Target})
		}
	}
	return unmatched
}

// Limits of the search for nodes that come near a scope.
const (
	maxNearest    = 3
	maxNearScope  = 1 << 10 // bytes
	maxScopeWords = 16
)

// nodeWord is what node names and scopes consist of, in between brackets,
// slashes and what expressions have of their own.
var nodeWord = regexp.MustCompile(`[A-Za-z0-9_]+`)

// nearestNodes are the nodes that have the most words of a scope, a word that no
// node has taken for the one that is spelt most like it; of those that have
// equally many, the names that are spelt most like the scope. Of nodes that
// differ in their layer alone the first is taken.
func nearestNodes(scope string, nodes []jpqd.NodeReport) []string {
	text := strings.ReplaceAll(scope, "{re}", "")
	if len(text) > maxNearScope {
		return nil
	}
	known := map[string]bool{}
	for _, n := range nodes {
		for _, word := range nodeWord.FindAllString(n.Name, -1) {
			known[word] = true
		}
	}
	var vocabulary []string
	for word := range known {
		vocabulary = append(vocabulary, word)
	}
	slices.Sort(vocabulary)
	words := nodeWord.FindAllString(text, maxScopeWords)
	for i, word := range words {
		if !slices.ContainsFunc(vocabulary, func(w string) bool { return strings.Contains(w, word) }) {
			words[i] = nearest(word, vocabulary)
			if 3*editDistance(word, words[i]) > len(word) {
				words[i] = "" // too little of it is right to tell what was meant
			}
		}
	}
	type candidate struct {
		name            string
		words, distance int
	}
	var candidates []candidate
	seen := map[string]bool{}
	for _, n := range nodes {
		form := inLayers(n.Name, "[]")
		if seen[form] && inLayers(text, "[]") == text {
			continue
		}
		seen[form] = true
		c := candidate{name: n.Name}
		for _, word := range words {
			if word != "" && strings.Contains(n.Name, word) {
				c.words++
			}
		}
		if c.words > 0 {
			candidates = append(candidates, c)
		}
	}
	most := 0
	for _, c := range candidates {
		most = max(most, c.words)
	}
	candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.words < most })
	for i := range candidates {
		candidates[i].distance = editDistance(text, candidates[i].name)
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, c := range candidates[:min(len(candidates), maxNearest)] {
		names = append(names, c.name)
	}
	return names
}
