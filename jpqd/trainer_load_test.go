package jpqd

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

func TestLoadTrained(t *testing.T) {
	tr := compressedTrainer(t, tinyNNCF(t, ""))
	dir := t.TempDir()
	if err := tr.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	want, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadTrained(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	got, err := loaded.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameCompressed(want, got); diff != "" {
		t.Errorf("(-want +found)\n%s", diff)
	}
	if !got.Quantized() {
		t.Error("found no quantizer")
	}

	plain, err := loaded.Unquantized()
	if err != nil {
		t.Fatal(err)
	}
	if plain.Quantized() {
		t.Error("found a quantizer in an unquantized model")
	}
	// Half a quantizer's step apart, if rounding alone was undone.
	q, w := &got.Layers[0].Query.Weight, &plain.Layers[0].Query.Weight
	if !slices.Equal(got.Layers[0].Heads, plain.Layers[0].Heads) || len(w.F32) != len(q.I8) {
		t.Fatalf("found heads %v and %d weights, want those of the quantized model", plain.Layers[0].Heads, len(w.F32))
	}
	for i, v := range w.F32 {
		if row := i / w.Cols; q.I8[i] > -64 && q.I8[i] < 63 && abs32(v-float32(q.I8[i])*q.Scale[row]) > 0.51*q.Scale[row] {
			t.Fatalf("weight %d: found %v, want within half a step of %v", i, v, float32(q.I8[i])*q.Scale[row])
		}
	}
	if again, err := loaded.Compressed(); err != nil || sameCompressed(want, again) != "" {
		t.Errorf("the quantizers are not what they were: %v", err)
	}
}

func abs32(x float32) float32 { return max(x, -x) }

func TestLoadTrainedPlain(t *testing.T) {
	m := bert.New(oneLayerConfig(t, "bert", ""), 1)
	dir := t.TempDir()
	if err := m.Config.Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadTrained(dir, nil); err == nil || !strings.Contains(err.Error(), "want a model that is trained already") {
		t.Errorf("a folder without weights: found %v", err)
	}
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	tr, err := LoadTrained(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := tr.Compressed(); err != nil || c.Quantized() {
		t.Errorf("found %v, want a model without quantizers", err)
	}
}
