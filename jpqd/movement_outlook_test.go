package jpqd

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/bert"
)

// outlookConfigs are shapes of tinyNNCF: as it is, with blocks across heads,
// fine scores, and without structured masking.
var outlookConfigs = []struct {
	name, params string
	edit         func(*MovementSparsityConfig)
}{
	{"heads and neurons", "", func(*MovementSparsityConfig) {}},
	{"blocks across heads", "", func(c *MovementSparsityConfig) { c.Structures[0].Factors = [2]int{8, 2} }},
	{"fine scores", "", func(c *MovementSparsityConfig) {
		for i := range c.Structures {
			c.Structures[i].Mode, c.Structures[i].Factors = Fine, [2]int{1, 1}
		}
	}},
	{"no structured masking", "", func(c *MovementSparsityConfig) { c.EnableStructuredMasking = false }},
	{"a layer outside of the groups", "", func(c *MovementSparsityConfig) {
		c.Ignored = slices.DeleteFunc(slices.Clone(c.Ignored), func(s string) bool { return s == "{re}.*pooler.*" })
	}},
}

func outlookCompression(t testing.TB, edit func(*MovementSparsityConfig), seed uint64) *compression {
	cfg := tinyNNCF(t, "")
	edit(cfg.MovementSparsity)
	cfg.Quantization = nil
	c, err := newCompression(bert.New(tinyConfig(), seed), cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.model.Parameters() {
		fill(p.Data, 1) // no zeros but those of masks
	}
	return c
}

// What the outlook says at any threshold is what making and resolving the
// masks gives.
func TestOutlookIsTheResolution(t *testing.T) {
	for _, config := range outlookConfigs {
		t.Run(config.name, func(t *testing.T) {
			c := outlookCompression(t, config.edit, 1)
			view := newOutlook(c.sparsifiers, c.groups)
			rapid.Check(t, func(t *rapid.T) {
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				distinct := rapid.IntRange(1, 100).Draw(t, "distinct scores")
				lean := rapid.IntRange(0, 100).Draw(t, "offset")
				for _, p := range c.sparsifiers {
					for _, o := range []*maskedOperand{&p.weight, &p.bias} {
						for i := range o.scores.Data {
							o.scores.Data[i] = float32(rng.IntN(distinct)-lean) / 16
						}
					}
				}
				view.look()
				threshold := float64(rapid.IntRange(-100, 100).Draw(t, "threshold")) / 16
				heads := threshold
				if rapid.Bool().Draw(t, "heads have their own") {
					heads += 0.5
				}
				if heads == threshold {
					for _, p := range c.sparsifiers {
						p.weight.remask(threshold)
						p.bias.remask(threshold)
					}
				} else {
					view.remask(float32(heads), float32(threshold))
				}
				resolveStructuredMasks(c.groups)
				want := c.statistics().LinearLayerSparsity
				if got := view.sparsity(float32(heads), float32(threshold)); math.Abs(got-want) > 1e-12 {
					t.Fatalf("thresholds %v, %v: found %v, want %v", heads, threshold, got, want)
				}
				for i, g := range c.groups {
					at := threshold
					if g.size > 1 {
						at = heads
					}
					for u, limit := range view.limits[i] {
						if (limit > float32(at)) != slices.Contains(g.kept, u) {
							t.Fatalf("group %d, unit %d with limit %v at threshold %v: kept are %v", i, u, limit, at, g.kept)
						}
					}
				}
			})
		})
	}
}

// No threshold comes nearer to the target than the one that is chosen; all
// that there are, are the scores and what is below them.
func TestOutlookThreshold(t *testing.T) {
	for _, config := range outlookConfigs {
		t.Run(config.name, func(t *testing.T) {
			c := outlookCompression(t, config.edit, 2)
			rng := rand.New(rand.NewPCG(5, 5))
			var scores []float32
			for _, p := range c.sparsifiers {
				randomFill(rng, p.weight.scores.Data, p.bias.scores.Data)
				scores = append(append(scores, p.weight.scores.Data...), p.bias.scores.Data...)
			}
			scores = append(scores, slices.Min(scores)-1)
			view := newOutlook(c.sparsifiers, c.groups)
			view.look()
			for _, target := range []float64{0, 0.01, 0.2, 0.4, 0.6, 0.9, 0.99} {
				heads, others := view.thresholds(target, 1)
				got := math.Abs(view.sparsity(heads, others) - target)
				if heads != others {
					t.Fatalf("target %v: found thresholds %v and %v, want one for all within the tolerance", target, heads, others)
				}
				for _, s := range scores {
					if other := math.Abs(view.sparsity(s, s) - target); other < got-1e-12 {
						t.Fatalf("target %v: found one %v away with threshold %v, but %v is %v away", target, got, heads, s, other)
					}
				}
			}
		})
	}
}

// Limits by hand, in a layer of 2 heads of 2 and 3 neurons: where all scores
// of a tensor are −1, so is its clamp, and everything dies at −1.
func TestLimitsByHand(t *testing.T) {
	sparse := sparseLayer(t, 3)
	for _, p := range sparse {
		fill(p.weight.scores.Data, -1)
		fill(p.bias.scores.Data, -1)
	}
	sparse[keyModule].weight.scores.Data[3*4+2] = 9 // in the second head, above the clamp: never
	sparse[ffnInModule].bias.scores.Data[1] = 5     // above the clamp, too, but its weight is dead at −1
	fill(sparse[ffnOutModule].weight.scores.Data, 2)
	sparse[ffnOutModule].weight.scores.Data[0] = 1
	view := newOutlook(slices.Collect(maps.Values(sparse)), groupsOf(sparse, nil))
	view.look()
	inf := float32(math.Inf(1))
	if got, want := fmt.Sprint(view.limits), fmt.Sprint([][]float32{{-1, inf}, {1, 2, 2}}); got != want {
		t.Errorf("found %v, want %v", got, want)
	}
}

// Of two thresholds that are equally near the lower one is taken. With eight
// scores of one element each, 1 to 8, a threshold of 1 leaves 7/8, one of 2
// leaves 6/8; 3/16 is in the middle.
func TestOutlookThresholdInTheMiddle(t *testing.T) {
	var o maskedOperand
	o.init("", 8, 1, [2]int{1, 1}, 1)
	for i := range o.scores.Data {
		o.scores.Data[i] = float32(i + 1)
	}
	view := &outlook{loose: []looseOperand{{&o, 8}}}
	for _, test := range []struct{ target, sparsity float64 }{
		{3.0 / 16, 1.0 / 8}, {3.0/16 + 1e-9, 2.0 / 8}, {3.0/16 - 1e-9, 1.0 / 8}, {0, 0}, {1.0 / 16, 0}, {1, 1},
	} {
		if got := view.sparsity(view.thresholds(test.target, targetTolerance)); got != test.sparsity {
			t.Errorf("target %v: found %v, want %v", test.target, got, test.sparsity)
		}
	}
	view.loose[0].clamp = 6 // keeps the last two
	if got := view.sparsity(view.thresholds(1, targetTolerance)); got != 6.0/8 {
		t.Errorf("with two kept: found %v, want 6/8", got)
	}
}
