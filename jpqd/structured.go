package jpqd

import (
	"fmt"
	"log/slog"
)

// structuredGroup is a set of Linears whose rows or columns carry the same
// hidden units: a head's rows of Q, K and V and columns of the attention
// output; a neuron's row and column of the feed-forward pair. A unit goes only
// if it is dead in every member.
type structuredGroup struct {
	id      int // index among all groups of the model, dropped ones included
	layer   int
	name    string // of the rule
	members []groupMember
	units   int // heads or neurons
	size    int // rows or columns a unit has in each member
	kept    []int
}

// groupMember is one Linear of a group.
type groupMember struct {
	*sparsifier
	columns bool // units are columns of the weight; otherwise rows
}

// newStructuredGroups resolves the family's rules for every layer. A group with
// a member that is not sparsified, or scored along the other axis, is dropped
// with a warning.
func newStructuredGroups(f *Family, layers, headDim int, sparse map[string]*sparsifier, log *slog.Logger) []*structuredGroup {
	var groups []*structuredGroup
	id := -1
	for layer := range layers {
		for _, rule := range f.Groups {
			id++
			g := &structuredGroup{id: id, layer: layer, name: rule.Name, size: 1}
			if rule.PerHead {
				g.size = headDim
			}
			problem := ""
			for _, m := range rule.Members {
				module := fmt.Sprintf(m.Module, layer)
				s := sparse[module]
				if s == nil {
					problem = module + " is not sparsified"
					break
				}
				if s.structure.Mode == PerDim && (s.structure.Axis == 1) != m.Columns {
					problem = fmt.Sprintf("%s is sparsified along axis %d", module, s.structure.Axis)
					break
				}
				g.members = append(g.members, groupMember{s, m.Columns})
			}
			if problem != "" {
				log.Warn("movement_sparsity: a structured group does not match and is skipped", "group", rule.Name, "layer", layer, "reason", problem)
				continue
			}
			g.units = g.members[0].weight.rows / g.size
			groups = append(groups, g)
		}
	}
	return groups
}

// alive says for each unit whether the member has a live element in it. A row
// member's biases count as long as the weight has any live element at all; a
// column member's do not.
func (m *groupMember) alive(units, size int) []bool {
	alive := make([]bool, units)
	o := &m.weight
	any := false
	for r := range o.rows {
		for c, v := range o.mask[r*o.cols : (r+1)*o.cols] {
			if v == 0 {
				continue
			}
			any = true
			if m.columns {
				alive[c/size] = true
			} else {
				alive[r/size] = true
			}
		}
	}
	if !m.columns && any {
		for r, v := range m.bias.mask {
			if v != 0 {
				alive[r/size] = true
			}
		}
	}
	return alive
}

// resolveStructuredMasks turns the unstructured masks of all groups into structured
// ones: a unit is kept if it is alive in any member; whatever else was masked
// inside a kept unit comes back.
func resolveStructuredMasks(groups []*structuredGroup) {
	for _, g := range groups {
		keep := make([]bool, g.units)
		for i := range g.members {
			for u, a := range g.members[i].alive(g.units, g.size) {
				keep[u] = keep[u] || a
			}
		}
		g.kept = g.kept[:0]
		for u, k := range keep {
			if k {
				g.kept = append(g.kept, u)
			}
		}
	}
	for _, g := range groups {
		for _, m := range g.members {
			fill(m.weight.mask, 1)
			fill(m.bias.mask, 1)
		}
	}
	for _, g := range groups {
		for _, m := range g.members {
			m.prune(g)
		}
	}
}

// prune multiplies the member's masks by the group's: the units that are not
// kept become zero. A bias element lives as long as its row does.
func (m *groupMember) prune(g *structuredGroup) {
	keep := make([]bool, g.units)
	for _, u := range g.kept {
		keep[u] = true
	}
	o := &m.weight
	for r := range o.rows {
		row := o.mask[r*o.cols : (r+1)*o.cols]
		live := false
		for c := range row {
			unit := r
			if m.columns {
				unit = c
			}
			if !keep[unit/g.size] {
				row[c] = 0
			}
			live = live || row[c] != 0
		}
		if !live {
			m.bias.mask[r] = 0
		}
	}
}
