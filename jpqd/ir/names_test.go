package ir

import (
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// Every module of a model with parameters is a layer of that name in the file.
func TestNames(t *testing.T) {
	for _, family := range []string{"", "bert", "roberta", "distilbert"} {
		for _, answering := range []bool{false, true} {
			v := testmodel.Everywhere(testmodel.Variant{Family: family, Answering: answering})
			c := testmodel.New(v, 1)
			c.Config.ModelType = family
			layers := map[string]string{}
			for _, l := range write(t, c, Options{}).net.Layers {
				layers[l.Name] = l.Type
			}
			m := bert.New(c.Config, 1)
			want := map[string]string{}
			for _, l := range m.Linears() {
				want[l.Name] = "Add"
			}
			for _, n := range m.Norms() {
				want[n.Name] = "Add"
			}
			for _, e := range m.Embeddings() {
				want[e.Name] = "Gather"
			}
			for name, kind := range want {
				if layers[name] != kind {
					t.Errorf("%q, answering %t: found %q as the layer %s, want %s", family, answering, layers[name], name, kind)
				}
			}
		}
	}
	c := testmodel.Named("float", 1)
	c.Config.ModelType = "gpt2"
	if err := Write(t.TempDir(), c, Options{}); err == nil {
		t.Error("found no error for an unknown family")
	}
}
