package jpqd

import (
	"fmt"
	"log/slog"
	"slices"
)

// structuredGroup is a set of Linears whose rows or columns carry the same
// hidden units: a head's rows of Q, K and V and columns of the attention
// output; a neuron's row and column of the feed-forward pair. A unit goes only
// if it is dead in every member.
type structuredGroup struct {
	id      int    // index among all groups of the model, dropped ones included
	layer   int    // −1 for the head
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

// groupInstance is a rule for one layer, or for the head.
type groupInstance struct {
	*GroupRule
	id      int
	layer   int           // -1 for the head
	members []GroupMember // with their modules' full names, in the order of execution
}

// groupInstances lists the groups of a model with so many layers as NNCF numbers
// them: those with more producers, the matrices whose rows are the structures,
// come first, and of as many those of earlier layers.
func (f *Family) groupInstances(layers int) []groupInstance {
	order := map[string]int{}
	for i, n := range f.Nodes(layers) {
		order[n.Module] = i
	}
	var all []groupInstance
	add := func(rules []GroupRule, layer int) {
		for i := range rules {
			g := groupInstance{GroupRule: &rules[i], layer: layer}
			for _, m := range rules[i].Members {
				if layer >= 0 {
					m.Module = fmt.Sprintf(m.Module, layer)
				}
				g.members = append(g.members, m)
			}
			slices.SortFunc(g.members, func(a, b GroupMember) int { return order[a.Module] - order[b.Module] })
			all = append(all, g)
		}
	}
	for layer := range layers {
		add(f.Groups, layer)
	}
	add(f.heads[f.Architecture].groups, -1)
	slices.SortStableFunc(all, func(a, b groupInstance) int { return b.producers() - a.producers() })
	for i := range all {
		all[i].id = i
	}
	return all
}

// problem says why the group cannot be formed of what is sparsified, the layers
// with their structures by module; "" if it can.
func (g *groupInstance) problem(structure func(module string) *SparseStructure) string {
	for _, m := range g.members {
		s := structure(m.Module)
		if s == nil {
			return m.Module + " is not sparsified"
		}
		if s.Mode == PerDim && (s.Axis == 1) != m.Columns {
			return fmt.Sprintf("%s is sparsified along axis %d", m.Module, s.Axis)
		}
	}
	return ""
}

// newStructuredGroups resolves the family's rules. A group with a member that is
// not sparsified, or scored along the other axis, is dropped with a warning; the
// others keep their ids.
func newStructuredGroups(f *Family, layers, headDim int, sparse map[string]*sparsifier, log *slog.Logger) []*structuredGroup {
	structure := func(module string) *SparseStructure {
		if s := sparse[module]; s != nil {
			return &s.structure
		}
		return nil
	}
	var groups []*structuredGroup
	for _, instance := range f.groupInstances(layers) {
		if problem := instance.problem(structure); problem != "" {
			log.Warn("movement_sparsity: a structured group does not match and is skipped", "group", instance.Name, "layer", instance.layer, "reason", problem)
			continue
		}
		g := &structuredGroup{id: instance.id, layer: instance.layer, name: instance.Name, size: 1}
		if instance.PerHead {
			g.size = headDim
		}
		for _, m := range instance.members {
			g.members = append(g.members, groupMember{sparse[m.Module], m.Columns})
			if !m.Columns {
				g.units = sparse[m.Module].weight.rows / g.size
			}
		}
		groups = append(groups, g)
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

// pruned says whether the member's masks are those that prune gives.
func (m *groupMember) pruned(g *structuredGroup) bool {
	keep := make([]float32, g.units)
	for _, u := range g.kept {
		keep[u] = 1
	}
	o := &m.weight
	for r := range o.rows {
		bias := min(1, float32(len(g.kept))) // of a column member: whether anything is left of the row
		if !m.columns {
			bias = keep[r/g.size]
		}
		for c, v := range o.mask[r*o.cols : (r+1)*o.cols] {
			want := bias
			if m.columns {
				want = keep[c/g.size]
			}
			if v != want {
				return false
			}
		}
		if m.bias.mask[r] != bias {
			return false
		}
	}
	return true
}
