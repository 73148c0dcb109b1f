package jpqd

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// addQuantizers puts quantizers where NNCF's CPU configuration has them: on the
// weight and the input of every Linear, on every embedding table, and on the
// operands of those operations of two activations that the model offers, unless
// their node is ignored. Other nodes whose inputs NNCF would quantize (residual
// sums, LayerNorm) stay in float with a warning.
func (c *compression) addQuantizers(family *Family, nodes []Node) error {
	cfg := c.cfg.Quantization
	place, err := newPlacement(cfg, c.cfg.TargetDevice)
	if err != nil {
		return err
	}
	linears, tables, ops := map[string]*bert.Linear{}, map[string]*bert.Embedding{}, map[string]bool{}
	for _, l := range c.model.Linears() {
		linears[l.Name] = l
	}
	for _, e := range c.model.Embeddings() {
		tables[e.Name] = e
	}
	ops[c.model.SumPositions.Name] = true
	for _, l := range c.model.Layers {
		ops[l.Scores.Name], ops[l.Context.Name] = true, true
	}
	var floats []string
	for _, n := range nodes {
		if !place.section.considered(n.Name) {
			continue
		}
		switch {
		case n.Kind == Linear:
			l, h := linears[n.Module], c.linears[n.Module]
			k := 0 // position among the module's pre-operations
			if h.sparse != nil {
				k = 1
			}
			name := fmt.Sprintf("%s.pre_ops.%d.op", l.Name, k)
			if h.weight, err = place.weight(name, n.Name, l.Weight); err != nil {
				return err
			}
			if h.input, err = place.activation("_nncf.external_quantizers."+n.Name+"|INPUT0", n.Name); err != nil {
				return err
			}
			c.addQuantizer(h.input, h.weight)
		case n.Kind == Embedding:
			e := tables[n.Module]
			q, err := place.weight(e.Name+".pre_ops.0.op", n.Name, e.Weight)
			if err != nil {
				return err
			}
			if q != nil {
				c.tables[e.Name] = &embeddingHook{q}
			}
			c.addQuantizer(q)
		case ops[n.Op]:
			var pair [2]*quantizer
			for i := range pair {
				if pair[i], err = place.activation(fmt.Sprintf("_nncf.external_quantizers.%s|INPUT%d", n.Name, i), n.Name); err != nil {
					return err
				}
			}
			c.operands[n.Op] = pair
			c.addQuantizer(pair[:]...)
		case family.Traits[n.Kind] == QuantizedInputs:
			floats = append(floats, n.Name)
		}
	}
	if len(floats) > 0 {
		c.log.Warn("quantization: nodes that are not in ignored_scopes stay in float", "nodes", len(floats), "first", floats[0])
	}
	return nil
}

func (c *compression) addQuantizer(qs ...*quantizer) {
	for _, q := range qs {
		if q != nil {
			c.quantizers = append(c.quantizers, q)
		}
	}
}

// placement decides the kind of every quantizer from the configuration.
type placement struct {
	section              filterMatcher
	weights, activations *groupPlacement
}

// groupPlacement is placement for weights or for activations.
type groupPlacement struct {
	filter    filterMatcher
	defaults  QuantizerMode
	overrides []QuantizerOverride
	targets   []scopeMatcher // of the overrides
	halfRange bool
	logarithm bool
	free      bool // weights: no hardware asks for a sign and one scale a row
}

func newPlacement(cfg *QuantizationConfig, device string) (*placement, error) {
	section, err := cfg.ScopeFilter.compile()
	if err != nil {
		return nil, fmt.Errorf("quantization.%w", err)
	}
	group := func(key string, g QuantizerGroup, preset string) (*groupPlacement, error) {
		filter, err := g.ScopeFilter.compile()
		if err != nil {
			return nil, fmt.Errorf("quantization.%s.%w", key, err)
		}
		p := &groupPlacement{filter: filter, defaults: g.QuantizerMode, overrides: g.Overrides, logarithm: g.LogarithmScale}
		if p.defaults.Mode == "" {
			p.defaults.Mode = preset
		}
		for _, o := range g.Overrides {
			m, err := o.Target.compile()
			if err != nil {
				return nil, fmt.Errorf("quantization.scope_overrides.%s: %w", key, err)
			}
			p.targets = append(p.targets, m)
		}
		return p, nil
	}
	activations := "symmetric"
	if cfg.Preset == "mixed" {
		activations = "asymmetric"
	}
	p := &placement{section: section}
	if p.weights, err = group("weights", cfg.Weights, "symmetric"); err != nil {
		return nil, err
	}
	// The overflow fix is for CPUs without VNNI; first_layer_only means the first
	// convolution, which a BERT does not have.
	p.weights.halfRange = cfg.OverflowFix == "enable" && (device == "CPU" || device == "ANY")
	p.weights.free = device == "TRIAL"
	p.activations, err = group("activations", cfg.Activations, activations)
	return p, err
}

// mode is the kind of quantizer for a node; the last override that matches wins
// over the group's defaults.
func (g *groupPlacement) mode(node string) QuantizerMode {
	m := g.defaults
	for i, o := range g.overrides {
		if !g.targets[i].match(node) {
			continue
		}
		if o.Mode != "" {
			m.Mode = o.Mode
		}
		if o.Signed != nil {
			m.Signed = o.Signed
		}
		if o.PerChannel != nil {
			m.PerChannel = o.PerChannel
		}
	}
	return m
}

// weight makes the quantizer of a weight, or nil where weights of the node are
// not to be quantized. Hardware has symmetric weights signed, and weights with
// a scale of each row unless per_channel is false; without hardware (TRIAL) the
// sign is that of the weights and per_channel is false unless it is true.
func (p *placement) weight(name, node string, w *autograd.Param) (*quantizer, error) {
	if !p.weights.filter.considered(node) {
		return nil, nil
	}
	m, signed := p.weights.mode(node), true
	q := &quantizer{
		name: name, node: node, weight: w, channels: w.Rows, symmetric: m.Mode == "symmetric",
		forced: m.Signed, halfRange: p.weights.halfRange, logarithm: p.weights.logarithm,
	}
	q.narrow = q.symmetric && !q.halfRange
	if !p.weights.free {
		q.forced = &signed
	}
	if m.PerChannel == nil && p.weights.free || m.PerChannel != nil && !*m.PerChannel {
		q.channels = 1
	}
	q.init()
	return q, nil
}

// activation makes the quantizer of an activation, or nil where activations of
// the node are not to be quantized.
func (p *placement) activation(name, node string) (*quantizer, error) {
	if !p.activations.filter.considered(node) {
		return nil, nil
	}
	m := p.activations.mode(node)
	if m.PerChannel != nil && *m.PerChannel {
		return nil, fmt.Errorf("quantization: activations of %s: found per_channel true, want false: the CPU has one scale per tensor", node)
	}
	q := &quantizer{name: name, node: node, symmetric: m.Mode == "symmetric", forced: m.Signed, channels: 1, logarithm: p.activations.logarithm}
	q.init()
	return q, nil
}
