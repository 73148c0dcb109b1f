package int8_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/kernels"
)

const digestsVariable = "JPQD_TEST_DIGESTS" // set: TestLogitsOfLevels prints its digests

// TestLogitsOfLevels wants logits of every model that is quantized throughout to
// be the same bits on every instruction set that the machine has, and of every
// other model on all those that have fused multiply-add. The instruction set is
// chosen when a program starts, so each has a process of its own.
func TestLogitsOfLevels(t *testing.T) {
	if os.Getenv(digestsVariable) != "" {
		printDigests(t)
		return
	}
	if kernels.Level() == kernels.Generic {
		t.Skip("there is one instruction set only")
	}
	digests := func(level string) []string {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestLogitsOfLevels$")
		cmd.Env = append(os.Environ(), digestsVariable+"=1", "JPQD_ISA="+level)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", level, err, out)
		}
		var lines []string
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "digest ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	highest := digests(kernels.Level().String())
	if len(highest) != len(levelForms()) {
		t.Fatalf("found %d digests, want %d", len(highest), len(levelForms()))
	}
	for level := kernels.Generic; level < kernels.Level(); level++ {
		for i, got := range digests(level.String()) {
			if got != highest[i] && (level > kernels.Generic || !strings.Contains(got, "with float operands")) {
				t.Errorf("%v: found %s%v: %s", level, got, kernels.Level(), highest[i])
			}
		}
	}
}

// levelForms are wide enough for every kernel's main loop and its edges.
func levelForms() map[string]form {
	all := map[string]form{}
	for _, answering := range []bool{false, true} {
		name := "classifying"
		if answering {
			name = "answering"
		}
		throughout := wideForm().quantized()
		throughout.answering = answering
		operands := throughout
		operands.operands = false
		all[name], all[name+" with float operands"] = throughout, operands
	}
	return all
}

func printDigests(t *testing.T) {
	forms := levelForms()
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		f := forms[name]
		hash := sha256.New()
		logits := run(t, engine(t, randomModel(f, 12)), randomBatch(f, 12, 40, 150, 9, 64, 1, 33))
		if err := binary.Write(hash, binary.LittleEndian, logits); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("digest %s %x\n", name, hash.Sum(nil))
	}
}
