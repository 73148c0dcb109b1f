package jpqd

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// A tensor with one row a sequence, as behind the pooling, has its rows as samples.
func TestMixedMinMaxOfPooledRows(t *testing.T) {
	q := newQuantizer(func(q *quantizer) { q.symmetric = false })
	o := newObserver(&RangeInit{Type: "mixed_min_max"}, q, 1, func() []int { return []int{0, 4, 9} })
	o.observe([]float32{-1, 2, -3, 8}, 2, 2)
	if low, high := o.bounds(); low[0] != -2 || high[0] != 5 {
		t.Errorf("found %v to %v, want -2 to 5", low[0], high[0])
	}
}

// With several items each location takes its own number of samples.
func TestInitRangesTakesEachItemsSamples(t *testing.T) {
	lowOf := func(others int) float32 {
		cfg := tinyNNCF(t, "")
		cfg.Quantization.Range = []RangeInit{{Type: "min_max", NumInitSamples: 4, Target: Scopes{"{re}query"}}, {Type: "min_max", NumInitSamples: others, Ignored: Scopes{"{re}query"}}}
		m := bert.New(tinyConfig(), 1)
		c := mustCompress(t, m, cfg)
		if err := c.initRanges(context.Background(), tokenExamples(40, 1), 4); err != nil {
			t.Fatal(err)
		}
		return c.linears[m.Layers[0].Query.Name].input.inputLow.Data[0]
	}
	if alone, beside := lowOf(4), lowOf(40); alone != beside {
		t.Errorf("the query's range starts at %v beside an item with more samples, want %v", beside, alone)
	}
}

// An item without samples keeps its quantizers' ranges, and what the others see
// are floats all the same.
func TestInitRangesWithoutSamples(t *testing.T) {
	pooler := func(samples int) (embeddings, pooler float32) {
		cfg := tinyNNCF(t, "")
		cfg.Quantization.Range = []RangeInit{{Type: "min_max", NumInitSamples: samples, Target: Scopes{"{re}Embeddings"}}, {Type: "min_max", NumInitSamples: 4, Ignored: Scopes{"{re}Embeddings"}}}
		m := bert.New(tinyConfig(), 1)
		c := mustCompress(t, m, cfg)
		if err := c.initRanges(context.Background(), tokenExamples(8, 1), 4); err != nil {
			t.Fatal(err)
		}
		return c.tables[m.Word.Name].weight.scale.Data[0], c.linears[m.Pooler.Name].input.inputLow.Data[0]
	}
	embeddings, low := pooler(0)
	if embeddings != 1 {
		t.Errorf("a scale without samples is %v, want 1", embeddings)
	}
	if _, want := pooler(4); low != want {
		t.Errorf("the pooler's range starts at %v beside quantizers without samples, want %v", low, want)
	}
}

// torch.quantile of values with a NaN is NaN, and so is the median.
func TestPercentilesKeepNaN(t *testing.T) {
	for _, kind := range []string{"percentile", "mean_percentile", "threesigma"} {
		x := make([]float32, 30000)
		x[77] = float32(math.NaN())
		q := newQuantizer(func(q *quantizer) { q.symmetric = false })
		o := newObserver(&RangeInit{Type: kind, MinPercentile: 0.01, MaxPercentile: 99.99}, q, 1, func() []int { return nil })
		o.observe(x, 300, 100)
		if err := q.setRange(o.bounds()); err == nil {
			t.Errorf("%s: found no error", kind)
		}
	}
}

// Percentiles and medians do not depend on how the samples are cut into
// batches: those of several are counted in as many passes as it takes, those of
// one are found in it.
func TestInitRangesInBatches(t *testing.T) {
	for _, kind := range []string{"percentile", "threesigma"} {
		lows := func(batchSize int) []float32 {
			cfg := tinyNNCF(t, "")
			cfg.Quantization.Range = []RangeInit{{Type: kind, NumInitSamples: 8, MinPercentile: 1, MaxPercentile: 99}}
			c := mustCompress(t, bert.New(tinyConfig(), 1), cfg)
			if err := c.initRanges(context.Background(), tokenExamples(12, 1), batchSize); err != nil {
				t.Fatal(err)
			}
			var all []float32
			for _, q := range c.quantizers {
				if q.observer != nil || q.observing {
					t.Fatalf("%s: %s observes still", kind, q.name)
				}
				for _, p := range q.params() {
					all = append(all, p.Data...)
				}
			}
			return all
		}
		whole, cut := lows(8), lows(2)
		for i := range whole {
			if !near(cut[i], whole[i], 1e-5) {
				t.Fatalf("%s: parameter %d is %v of four batches, %v of one", kind, i, cut[i], whole[i])
			}
		}
	}
}

// After an error the quantizers are what they were, not observers.
func TestInitRangesInterrupted(t *testing.T) {
	c := mustCompress(t, bert.New(tinyConfig(), 1), tinyNNCF(t, ""))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.initRanges(ctx, tokenExamples(8, 1), 4); !errors.Is(err, ErrInterrupted) {
		t.Errorf("found error %v, want %v", err, ErrInterrupted)
	}
	for _, q := range c.quantizers {
		if q.observer != nil || q.observing {
			t.Fatalf("%s observes still", q.name)
		}
	}
}
