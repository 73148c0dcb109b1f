package jpqd

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// compression is what an NNCF configuration adds to a model: scores, masks and
// quantizers attached to its hooks, and their schedule.
type compression struct {
	model *bert.Model
	cfg   *NNCFConfig
	log   *slog.Logger

	sparsifiers []*sparsifier // in the order of the forward pass
	groups      []*structuredGroup
	schedule    *movementSchedule // nil without movement sparsity
	loss        importanceLoss
	threshold   float64         // τ of the current step
	frozen      bool            // masks are final
	epoch       int             // of staged quantization; −1 before the first
	ranged      bool            // quantizers have ranges, from data or from a folder
	target      *sparsityTarget // nil: λ is the configuration's

	savedWeights string // checksum of the weights that what was loaded belongs to

	quantizers []*quantizer           // in the order of the forward pass
	linears    map[string]*linearHook // every one of the model, by name
	tables     map[string]*embeddingHook
	norms      map[string]*quantizer    // of their inputs; nil: none
	operands   map[string][2]*quantizer // by the name of the Op
}

// newCompression attaches what cfg asks for to a model, which must not be
// compressed already.
func newCompression(model *bert.Model, cfg *NNCFConfig, log *slog.Logger) (*compression, error) {
	if hooked(model) {
		return nil, errors.New("the model: found one that is compressed already, want one without masks and quantizers; a Trainer that continues needs a new one and LoadCompression")
	}
	family, err := familyOf(&model.Config)
	if err != nil {
		return nil, err
	}
	nodes := family.Nodes(len(model.Layers))
	if err := cfg.validateScopes(nodes); err != nil {
		return nil, err
	}
	c := &compression{
		model: model, cfg: cfg, log: log, threshold: math.Inf(-1), epoch: -1,
		linears: map[string]*linearHook{}, tables: map[string]*embeddingHook{}, norms: map[string]*quantizer{}, operands: map[string][2]*quantizer{},
	}
	for _, l := range model.Linears() {
		c.linears[l.Name] = &linearHook{c: c, linear: l}
	}
	for _, e := range model.Embeddings() {
		c.tables[e.Name] = &embeddingHook{table: e}
	}
	if cfg.MovementSparsity != nil {
		if err := c.addSparsifiers(family, nodes); err != nil {
			return nil, err
		}
	}
	if cfg.Quantization != nil {
		if err := c.addQuantizers(family, nodes); err != nil {
			return nil, err
		}
	}
	c.stage(c.epoch)
	c.attach()
	return c, nil
}

// hooked says whether a model has hooks of any kind.
func hooked(model *bert.Model) bool {
	return model.Embedded != nil ||
		slices.ContainsFunc(model.Linears(), func(l *bert.Linear) bool { return l.Hook != nil || l.Input != nil }) ||
		slices.ContainsFunc(model.Embeddings(), func(e *bert.Embedding) bool { return e.Hook != nil }) ||
		slices.ContainsFunc(model.Norms(), func(n *bert.LayerNorm) bool { return n.Input != nil }) ||
		slices.ContainsFunc(model.Ops(), func(o *bert.Op) bool { return o.Hooks != [2]bert.OperandHook{} })
}

// attach fills the model's hooks with what was added.
func (c *compression) attach() {
	for _, l := range c.model.Linears() {
		h := c.linears[l.Name]
		if h.sparse != nil || h.weight != nil {
			l.Hook = h
		}
		if h.input != nil {
			l.Input = operandHook{q: h.input}
		}
	}
	for _, e := range c.model.Embeddings() {
		if h := c.tables[e.Name]; h.weight != nil {
			e.Hook = h
		}
	}
	for _, n := range c.model.Norms() {
		if q := c.norms[n.Name]; q != nil {
			n.Input = operandHook{q: q}
		}
	}
	for _, o := range c.model.Ops() {
		for i, q := range c.operands[o.Name] {
			if q != nil {
				o.Hooks[i] = operandHook{q: q}
			}
		}
	}
	c.attachEmbedded()
}

// attachEmbedded moves the quantizer that the four readers of the embedding
// output share in front of the dropout between, where NNCF has it.
func (c *compression) attachEmbedded() {
	first := c.model.Layers[0]
	readers := []*bert.OperandHook{&first.Query.Input, &first.Key.Input, &first.Value.Input, &first.AttentionAdd.Hooks[1]}
	for _, r := range readers {
		if *r == nil || *r != *readers[0] {
			return
		}
	}
	q := (*readers[0]).(operandHook).q
	c.model.Embedded = operandHook{q: q}
	for _, r := range readers {
		*r = operandHook{q: q, done: true}
	}
}

func (c *compression) addSparsifiers(family *Family, nodes []Node) error {
	cfg := c.cfg.MovementSparsity
	structures, err := resolveStructures(nodes, cfg)
	if err != nil {
		return err
	}
	if err := c.warnUnused(nodes); err != nil {
		return err
	}
	names := map[string]string{}
	for _, n := range nodes {
		if n.Module != "" {
			names[n.Module] = n.Name
		}
	}
	byModule := map[string]*sparsifier{}
	for _, l := range c.model.Linears() {
		s, ok := structures[l.Name]
		if !ok {
			continue
		}
		p, err := newSparsifier(names[l.Name], l, s)
		if err != nil {
			return fmt.Errorf("movement_sparsity.sparse_structure_by_scopes: %s: %w", s.Target, err)
		}
		c.sparsifiers = append(c.sparsifiers, p)
		byModule[l.Name] = p
		c.linears[l.Name].sparse = p
	}
	c.schedule = newMovementSchedule(cfg)
	c.loss.sparsifiers = c.sparsifiers
	if cfg.EnableStructuredMasking {
		c.groups = newStructuredGroups(family, len(c.model.Layers), c.model.Config.HeadDim(), byModule, c.log)
	}
	return nil
}

// warnUnused warns of structures whose target_scopes match no Linear at all: a
// misspelt scope leaves its layers without structure.
func (c *compression) warnUnused(nodes []Node) error {
	for i, s := range c.cfg.MovementSparsity.Structures {
		m, err := s.Target.compile()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(nodes, func(n Node) bool { return n.Kind == Linear && m.match(n.Name) }) {
			c.log.Warn("movement_sparsity: a structure matches no Linear of the model", "sparse_structure_by_scopes", i, "target_scopes", s.Target)
		}
	}
	return nil
}

// linearHook transforms the parameters of a Linear: the weight is masked and
// then quantized, the bias masked.
type linearHook struct {
	c             *compression
	linear        *bert.Linear
	sparse        *sparsifier
	weight, input *quantizer
}

func (h *linearHook) Transform(t *autograd.Tape, w, b *autograd.Tensor) (w2, b2 *autograd.Tensor) {
	if h.sparse != nil {
		w = h.sparse.weight.apply(t, w, h.c.threshold)
		b = h.sparse.bias.apply(t, b, h.c.threshold)
	}
	if h.weight != nil {
		w = h.weight.apply(t, w, nil)
	}
	return w, b
}

// embeddingHook quantizes looked-up rows with the scales of their rows.
type embeddingHook struct {
	table  *bert.Embedding
	weight *quantizer
}

func (h *embeddingHook) Transform(t *autograd.Tape, rows *autograd.Tensor, ids []int32) *autograd.Tensor {
	if h.weight.channels == 1 {
		ids = nil
	}
	return h.weight.apply(t, rows, ids)
}

// operandHook quantizes an activation.
type operandHook struct {
	q    *quantizer
	done bool // in front of a dropout on the way to the operand
}

func (h operandHook) Transform(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	if h.done {
		return x
	}
	return h.q.apply(t, x, nil)
}

// regularisation is λ's loss of the current step as a (1, 1) tensor, or nil
// where there is none.
func (c *compression) regularisation(t *autograd.Tape) *autograd.Tensor {
	if c.schedule == nil || c.frozen || c.loss.factor == 0 {
		return nil
	}
	return c.loss.forward(t)
}

// paramGroups are the optimizer's groups of the compression's own parameters, by
// whether weight decay applies: not to the scores of biases.
func (c *compression) paramGroups(weightDecay float64) []autograd.Group {
	var groups []autograd.Group
	if c.schedule != nil {
		m := c.cfg.MovementSparsity.LRMultiplier
		weights, biases := autograd.Group{WeightDecay: weightDecay, GradMultiplier: m}, autograd.Group{GradMultiplier: m}
		for _, p := range c.sparsifiers {
			weights.Params = append(weights.Params, p.weight.scores)
			biases.Params = append(biases.Params, p.bias.scores)
		}
		groups = append(groups, weights, biases)
	}
	if len(c.quantizers) > 0 {
		g := autograd.Group{WeightDecay: weightDecay, GradMultiplier: c.cfg.Quantization.LRMultiplier}
		for _, q := range c.quantizers {
			g.Params = append(g.Params, q.params()...)
		}
		groups = append(groups, g)
	}
	return groups
}

// fillBatch makes a batch of examples.
func fillBatch(b *bert.Batch, examples []Example) {
	b.Reset()
	for i := range examples {
		b.Append(examples[i].IDs, examples[i].TypeIDs)
	}
}
