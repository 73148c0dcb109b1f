package jpqd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of overrides that match a node each changes what it names, the last one last.
func TestOverridesInTheirOrder(t *testing.T) {
	scope := func(text string) scopeMatcher {
		m, err := Scopes{text}.compile()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	g := &groupPlacement{
		defaults: QuantizerMode{Mode: "asymmetric", Bits: 8},
		overrides: []QuantizerOverride{
			{QuantizerMode: QuantizerMode{Mode: "symmetric", Signed: pointerTo(true)}},
			{QuantizerMode: QuantizerMode{Mode: "asymmetric"}},
			{QuantizerMode: QuantizerMode{Signed: pointerTo(false), PerChannel: pointerTo(true)}},
		},
		targets: []scopeMatcher{scope("{re}a"), scope("{re}b"), scope("{re}c")},
	}
	for node, want := range map[string]QuantizerMode{
		"x":   {Mode: "asymmetric", Bits: 8},
		"a":   {Mode: "symmetric", Bits: 8, Signed: pointerTo(true)},
		"ab":  {Mode: "asymmetric", Bits: 8, Signed: pointerTo(true)},
		"ac":  {Mode: "symmetric", Bits: 8, Signed: pointerTo(false), PerChannel: pointerTo(true)},
		"abc": {Mode: "asymmetric", Bits: 8, Signed: pointerTo(false), PerChannel: pointerTo(true)},
	} {
		if diff := cmp.Diff(want, g.mode(node)); diff != "" {
			t.Errorf("%s:\n%s", node, diff)
		}
	}
}
