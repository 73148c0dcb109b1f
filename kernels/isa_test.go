package kernels

import (
	"strings"
	"testing"
)

func TestCapNeverRaisesTheLevel(t *testing.T) {
	best, err := startLevel("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range numISA {
		got, err := startLevel(i.String())
		if err != nil {
			t.Fatal(err)
		}
		if got > i || got > best || Missing(got) != "" {
			t.Errorf("capped at %v the level is %v (best %v)", i, got, best)
		}
		if Missing(i) == "" && got != i {
			t.Errorf("capped at %v, which the machine has, the level is %v", i, got)
		}
	}
}

func TestUnknownCapListsTheWords(t *testing.T) {
	_, err := startLevel("avx1024")
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range isaNames {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
}

// What is selected is the highest implementation that the level in use allows.
func TestSelectedIsTheHighestThatMayRun(t *testing.T) {
	start := level
	t.Cleanup(func() { setLevel(start) })
	for l := range numISA {
		if Missing(l) != "" {
			continue
		}
		setLevel(l)
		for _, k := range Registry() {
			if s := Selected(k.Op); k.ISA <= l && k.missing() == "" && s.ISA < k.ISA || s.ISA > l {
				t.Errorf("at %v, %s runs on %s, %s stands by", l, k.Op, s.Name, k.Name)
			}
		}
	}
}
