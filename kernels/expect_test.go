package kernels

import (
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What a machine must offer, for runs on machines that were chosen for it:
//
//	go test ./kernels -kernels.level=vnni -kernels.refusal='amx=the CPU lacks AMXTILE'
//
// A level that is detected wrongly would only skip tests.
var (
	expectedLevel   = flag.String("kernels.level", "", "the level that must be in use")
	expectedRefusal = flag.String("kernels.refusal", "", "LEVEL=TEXT: LEVEL must be missing for a reason that contains TEXT")
)

func TestExpectedLevel(t *testing.T) {
	for i := range numISA {
		t.Logf("%-8v %s", i, Missing(i))
	}
	for _, op := range slices.Sorted(maps.Keys(families)) {
		if strings.HasPrefix(op, "gemm_") {
			t.Logf("%s runs on %q", op, Selected(op).Name)
		}
	}
	if *expectedLevel != "" && Level().String() != *expectedLevel {
		t.Errorf("the level is %v, want %s", Level(), *expectedLevel)
	}
	if *expectedRefusal != "" {
		word, reason, _ := strings.Cut(*expectedRefusal, "=")
		l, err := ParseISA(word)
		if err != nil {
			t.Fatal(err)
		}
		if why := Missing(l); why == "" || !strings.Contains(why, reason) {
			t.Errorf("%v is missing because of %q, want %q", l, why, reason)
		}
	}
	if Level() == AMX && Selected("gemm_int8").Name != "gemm_int8_amx_32x32" {
		t.Errorf("at level amx gemm_int8 runs on %q", Selected("gemm_int8").Name)
	}
}
