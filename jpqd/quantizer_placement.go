package jpqd

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
)

// addQuantizers puts quantizers where NNCF has them: activation quantizers where
// the solver places them, and one on the weight of every Linear and embedding
// that is considered.
//
// One quantizer may serve several operands. It is then the hook of each of them.
func (c *compression) addQuantizers(family *Family, nodes []Node) error {
	place, err := newPlacement(c.cfg.Quantization, c.cfg.TargetDevice)
	if err != nil {
		return err
	}
	solution, err := place.solve(family, nodes)
	if err != nil {
		return err
	}
	served := map[operand]*quantizer{}
	for _, s := range solution.quantizers {
		q, err := place.activation(s.name(nodes), nodes[s.operands[0].node].Name, s.mode)
		if err != nil {
			return err
		}
		for _, o := range s.operands {
			served[o] = q
		}
	}
	added := map[*quantizer]bool{}
	for i, n := range nodes {
		var inputs [2]*quantizer
		for index := range inputs {
			q := served[operand{i, index}]
			inputs[index] = q
			if q != nil && !added[q] {
				added[q] = true
				c.quantizers = append(c.quantizers, q)
			}
		}
		if err := c.addOperands(n, inputs); err != nil {
			return err
		}
		c.addWeight(place, n, solution.perTensor[i])
	}
	return nil
}

// addOperands notes the quantizers of a node's inputs.
func (c *compression) addOperands(n Node, inputs [2]*quantizer) error {
	switch n.Kind {
	case Linear:
		c.linears[n.Module].input = inputs[0]
	case LayerNorm:
		c.norms[n.Module] = inputs[0]
	case Output:
		if other, ok := c.operands[n.Op]; ok && other != inputs {
			return fmt.Errorf("quantization.quantize_outputs: found one of two outputs ignored, the other being %s, want both or none: jpqd has one tensor for the logits of starts and ends", n.Name)
		}
		c.operands[n.Op] = inputs
	default:
		if inputs != [2]*quantizer{} {
			c.operands[n.Op] = inputs
		}
	}
	return nil
}

// addWeight adds the quantizer of a node's weight or table, if it is to have one.
func (c *compression) addWeight(place *placement, n Node, perTensor bool) {
	mode := place.weightMode(n, perTensor)
	if mode == nil {
		return
	}
	switch n.Kind {
	case Linear:
		h := c.linears[n.Module]
		h.weight = place.weight(weightQuantizerName(n.Module, h.sparse != nil), n.Name, h.linear.Weight, *mode)
		c.quantizers = append(c.quantizers, h.weight)
	case Embedding:
		h := c.tables[n.Module]
		h.weight = place.weight(weightQuantizerName(n.Module, false), n.Name, h.table.Weight, *mode)
		c.quantizers = append(c.quantizers, h.weight)
	}
}

// weightQuantizerName is NNCF's key of the quantizer of a module's weight, which
// comes after its mask.
func weightQuantizerName(module string, sparse bool) string {
	if sparse {
		return module + ".pre_ops.1.op"
	}
	return module + ".pre_ops.0.op"
}

// placement decides the kind of every quantizer from the configuration.
type placement struct {
	section              filterMatcher
	weights, activations *groupPlacement
	outputs              bool       // quantize_outputs
	unified              [][]string // unified_scale_ops
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
	p := &placement{section: section, outputs: cfg.QuantizeOutputs, unified: cfg.Activations.UnifiedScaleOps}
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

// weightMode is how the weight or table of a node is quantized, with nothing
// left to be decided but the sign; nil where it is not. Hardware has symmetric
// weights signed, and weights with a scale of each row unless per_channel is
// false; without hardware (TRIAL) the sign is that of the weights and
// per_channel is false unless it is true. perTensor makes it false.
func (p *placement) weightMode(n Node, perTensor bool) *QuantizerMode {
	if n.Kind != Linear && n.Kind != Embedding || !p.section.considered(n.Name) || !p.weights.filter.considered(n.Name) {
		return nil
	}
	m, rows, signed := p.weights.mode(n.Name), !p.weights.free, true
	if m.PerChannel == nil {
		m.PerChannel = &rows
	}
	if perTensor {
		m.PerChannel = new(bool)
	}
	if !p.weights.free {
		m.Signed = &signed
	}
	return &m
}

// weight makes the quantizer of a weight.
func (p *placement) weight(name, node string, w *autograd.Param, m QuantizerMode) *quantizer {
	q := &quantizer{
		name: name, node: node, weight: w, channels: 1, symmetric: m.Mode == "symmetric",
		forced: m.Signed, halfRange: p.weights.halfRange, logarithm: p.weights.logarithm,
	}
	q.narrow = q.symmetric && !q.halfRange
	if *m.PerChannel {
		q.channels = w.Rows
	}
	q.init()
	return q
}

// activation makes the quantizer of an activation.
func (p *placement) activation(name, node string, m QuantizerMode) (*quantizer, error) {
	if m.PerChannel != nil && *m.PerChannel {
		return nil, fmt.Errorf("quantization: activations of %s: found per_channel true, want false: the CPU has one scale per tensor", node)
	}
	q := &quantizer{name: name, node: node, symmetric: m.Mode == "symmetric", forced: m.Signed, channels: 1, logarithm: p.activations.logarithm}
	q.init()
	return q, nil
}

// solve places the activation quantizers of a graph.
func (p *placement) solve(f *Family, nodes []Node) (*placementSolution, error) {
	return solveQuantizers(nodes, solverRules{
		traits:     f.Traits,
		considered: func(node string) bool { return p.section.considered(node) && p.activations.filter.considered(node) },
		mode:       p.activations.mode,
		table: func(node string) *QuantizerMode {
			if !p.section.considered(node) || !p.weights.filter.considered(node) {
				return nil
			}
			m := p.weights.mode(node)
			return &m
		},
		outputs: p.outputs,
		unified: p.unified,
	})
}
