package int8_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
)

// eachRange calls f with every fake quantizer in v and the path to it.
func eachRange(path string, v reflect.Value, f func(path string, r **jpqd.ActivationRange)) {
	if r, ok := v.Addr().Interface().(**jpqd.ActivationRange); ok {
		f(path, r)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "Config" {
				eachRange(path+"."+field.Name, v.Field(i), f)
			}
		}
	case reflect.Slice, reflect.Array:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Pointer:
			for i := range v.Len() {
				eachRange(fmt.Sprintf("%s[%d]", path, i), v.Index(i), f)
			}
		}
	}
}

// TestEveryRangeIsUsed takes away one fake quantizer at a time, which must
// change the logits. Those of the logits come last, so that they do not round
// away what the others do.
func TestEveryRangeIsUsed(t *testing.T) {
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		for _, answering := range []bool{false, true} {
			f := tinyForm([]int{3, 2}, []int{7, 15}).quantized()
			f.family, f.answering = family, answering
			m, b := randomModel(f, 1), randomBatch(f, 1, 7, 12, 9, 12, 10, 3)
			logits := m.Logits
			m.Logits = nil
			want := run(t, engine(t, m), b)
			tried := 0
			without := func(path string, r **jpqd.ActivationRange) {
				if *r == nil {
					return
				}
				tried++
				kept := *r
				*r = nil
				if slices.Equal(run(t, engine(t, m), b), want) {
					t.Errorf("%s, answering %t: the engine does not use %s", family, answering, path)
				}
				*r = kept
			}
			eachRange("Compressed", reflect.ValueOf(m).Elem(), without)
			// Embeddings 3 (types 2 more), layers 6 inputs, 4 of products, 2 of
			// scores, 4 of sums and 2 of norms, inputs of pooler and classifier.
			count := 3 + 2*18 + 2
			if family != "distilbert" {
				count += 2
			}
			if answering {
				count--
			}
			if tried != count {
				t.Errorf("%s, answering %t: found %d ranges, want %d", family, answering, tried, count)
			}
			m.Logits = logits
			if slices.Equal(run(t, engine(t, m), b), want) {
				t.Errorf("%s, answering %t: the range of the logits is not used", family, answering)
			}
		}
	}
}
