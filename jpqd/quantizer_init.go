package jpqd

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// initRanges gives every quantizer a range from its masked weight or from the
// activations of the first examples, run through the model without quantizers.
func (c *compression) initRanges(ctx context.Context, examples []Example, batchSize int) error {
	if len(c.quantizers) == 0 {
		return nil
	}
	defer func() { // after an error too
		for _, q := range c.quantizers {
			q.observer, q.observing = nil, false
		}
	}()
	var batch bert.Batch
	available := (len(examples) + batchSize - 1) / batchSize
	batches := map[*quantizer]int{} // that an activation's quantizer takes
	kept := map[*quantizer]bool{}   // their ranges stay as they are; they too are off till the end
	for _, q := range c.quantizers {
		r, err := c.cfg.Quantization.rangeInit(q)
		if err != nil {
			return err
		}
		kept[q] = r.NumInitSamples == 0
		n := 1 // a weight is seen once
		if q.weight == nil {
			n = min(available, (r.NumInitSamples+batchSize-1)/batchSize)
			batches[q] = n
		}
		q.observer = newObserver(r, q, n, func() []int { return batch.Offsets })
	}
	t := autograd.NewTape()
	for most(batches) > 0 {
		for i := range most(batches) {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%w: %w", ErrInterrupted, err)
			}
			fillBatch(&batch, examples[i*batchSize:min(len(examples), (i+1)*batchSize)])
			if err := c.model.Check(&batch); err != nil {
				return err
			}
			for q, n := range batches {
				q.observing = i < n
			}
			t.Begin(autograd.Inference, 0, 0)
			c.model.Forward(t, &batch)
		}
		for q := range batches {
			q.observing = false
			if !q.observer.again() {
				delete(batches, q)
			}
		}
	}
	masks := map[*quantizer][]float32{}
	for _, h := range c.linears {
		if h.weight != nil && h.sparse != nil {
			masks[h.weight] = h.sparse.weight.mask
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, q := range c.quantizers {
		if !kept[q] {
			group.Go(func() error { return q.observed(masks[q]) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.ranged = true
	return nil
}

// most is the largest number of batches that a quantizer takes.
func most(batches map[*quantizer]int) int {
	n := 0
	for _, b := range batches {
		n = max(n, b)
	}
	return n
}

// rangeInit is the range initialiser of a quantizer: the one of the last
// override that matches its node and has one, else that of the section.
func (cfg *QuantizationConfig) rangeInit(q *quantizer) (*RangeInit, error) {
	group, key := &cfg.Activations, "activations"
	if q.weight != nil {
		group, key = &cfg.Weights, "weights"
	}
	items, path := cfg.Range, "quantization.initializer.range"
	for _, o := range group.Overrides {
		if o.Range == nil {
			continue
		}
		m, err := o.Target.compile()
		if err != nil {
			return nil, fmt.Errorf("quantization.scope_overrides.%s: %w", key, err)
		}
		if m.match(q.node) {
			items, path = o.Range, fmt.Sprintf("quantization.scope_overrides.%s[%q].initializer.range", key, o.Target[0])
		}
	}
	var found *RangeInit
	for i := range items {
		r := &items[i]
		if r.QuantizerGroup != "" && r.QuantizerGroup != key {
			continue
		}
		m, err := ScopeFilter{Ignored: r.Ignored, Target: r.Target}.compile()
		if err != nil {
			return nil, fmt.Errorf("%s[%d].%w", path, i, err)
		}
		if !m.considersAny(q.node, q.id()) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: %s is matched by two entries, want one", path, q.name)
		}
		found = r
	}
	if found == nil {
		return nil, fmt.Errorf("%s: %s is matched by no entry, want one", path, q.name)
	}
	return found, nil
}

// id is what NNCF compares with the scopes of initializer.range: the name of
// the node with that of the operand, "…/linear_0|WEIGHT" or "…/linear_0|INPUT0".
func (q *quantizer) id() string {
	if q.weight != nil {
		return q.node + "|WEIGHT"
	}
	return strings.TrimPrefix(q.name, "_nncf.external_quantizers.")
}

// considersAny reports whether a thing that goes by two names is considered.
func (m filterMatcher) considersAny(a, b string) bool {
	return (m.anyTarget || m.target.match(a) || m.target.match(b)) && !m.ignored.match(a) && !m.ignored.match(b)
}
