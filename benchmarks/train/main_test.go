//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

const lengthsFile = "../sst2-dev-lengths.txt"

// Of SST-2's 872 sentences 27 batches are full.
func TestLoads(t *testing.T) {
	o := options{lengths: lengthsFile}
	loads, err := o.loads()
	if err != nil {
		t.Fatal(err)
	}
	batches := map[string]int{loadMini: 1, loadMiniLM: 1, loadBase: 1, loadSST2: 27}
	sequences := map[string]int{loadMini: 32, loadMiniLM: 32, loadBase: 8, loadSST2: 32}
	for _, l := range loads {
		if len(l.batches) != batches[l.name] {
			t.Errorf("%s: found %d batches, want %d", l.name, len(l.batches), batches[l.name])
		}
		for _, b := range l.batches {
			if len(b) != sequences[l.name] {
				t.Errorf("%s: found a batch of %d sequences, want %d", l.name, len(b), sequences[l.name])
			}
		}
		for _, m := range modes {
			bar, runs := m.bars[l.name]
			if runs && bar == 0 && (m.against == torch || l.name != loadSST2) || !runs && !m.checkpointing {
				t.Errorf("%s, %s: found no bar", l.name, m.name)
			}
		}
	}
}

// A layer of hidden 2 and intermediate 3 has 4·2·2 + 2·2·3 = 28 weights; a token
// of a sequence of 5 meets them and 2·5·2 = 20 products in the attention: with 5
// tokens 240, with one of a sequence of its own 28 + 4 = 32. In the last layer the
// keys and values of 7 tokens meet 8 weights, the first ones 20, and in the attention
// 20, 4 and 4: 144. Three passes, a multiplication and an addition each; the mean of
// the batches of 6 and of 1 tokens.
func TestOperations(t *testing.T) {
	l := load{layers: 2, hidden: 2, heads: 1, intermediate: 3, batches: [][]int{{5, 1}, {1}}}
	if got, want := l.operations(), 3.*2*(240+32+32+144)/2; got != want {
		t.Errorf("found %v operations, want %v", got, want)
	}
	if got := l.tokens(); got != 3.5 {
		t.Errorf("found %v tokens, want 3.5", got)
	}
}

// The answers to the same lengths are losses of the same batch, which fall; in
// front of them is one line.
func TestAnswerSteps(t *testing.T) {
	var out strings.Builder
	if err := answerSteps([]string{"f32", "1", "32", "2", "64", "1"}, strings.NewReader(strings.Repeat("5 3 7\n", 40)), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 41 {
		t.Fatalf("found %d lines, want 41", len(lines))
	}
	var first, last, seconds float64
	for line, loss := range map[int]*float64{1: &first, 40: &last} {
		if _, err := fmt.Sscan(lines[line], &seconds, loss); err != nil || !(seconds > 0) {
			t.Errorf("line %q: error %v, want seconds and a loss", lines[line], err)
		}
	}
	if !(last < first && first < 1) {
		t.Errorf("found losses %v and then %v, want them to fall", first, last)
	}
	for _, args := range [][]string{{"f32"}, {"f33", "1", "32", "2", "64", "1"}, {"f32", "1", "32", "3", "64", "1"}, {"f32", "1", "32", "x", "64", "1"}} {
		if answerSteps(args, strings.NewReader(""), &out) == nil {
			t.Errorf("%q: found no error", args)
		}
	}
}

// The generator gives 1015568748 and 1586005467, the 15496th and 24200th of 65536.
// Every batch begins with them, train.py's as well.
func TestFill(t *testing.T) {
	c := bert.DefaultConfig()
	c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize = 1, 8, 1, 8
	tr := newTraining(c)
	for range 2 {
		tr.fill([]int{1, 1})
		if b := &tr.batch; b.Len() != 2 || b.Rows() != 2 || b.IDs[0] != 15496 || b.IDs[1] != 24200 || tr.labels[0] != 0 || tr.labels[1] != 1 {
			t.Errorf("found words %v, offsets %v, labels %v", b.IDs, b.Offsets, tr.labels)
		}
	}
}

// squeeze leaves one space where there are several.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// 8·128 tokens in 0.5 s are 2048/s. Of a layer of hidden 1 and intermediate 1, 6
// weights, and 256 in the attention: 262·1024 multiplications; of the last one 2 of
// every token and 4 + 256 of the first ones: 4128. 6·272416 operations in 0.5 s are
// 3.27 MFLOP/s.
func TestTable(t *testing.T) {
	loads := []load{{loadBase, 2, 1, 1, 1, [][]int{{128, 128, 128, 128, 128, 128, 128, 128}}}, {name: loadMini, batches: [][]int{{1}}}}
	all := results{
		{loadBase, torch}: {milliseconds: []float64{900, 1000, 5000}, peak: 2048 * 1024},
		{loadBase, "f32"}: {milliseconds: []float64{600, 400}, limits: []float64{0.00653798}, peak: 1024 * 1024},
	}
	var b strings.Builder
	printTable(&b, loads, all)
	for _, want := range []string{
		"| BERT-base, 8×128 | f32 | 500 | 1000 | PyTorch | 2.00 | ≥ 1.2 | 2048 | 1024 | 50 % | 1024 | 2048 | 0.50 | ≤ 0.6 |",
		"| 4 layers, 256 hidden, 32×64 | f32 | – | – | PyTorch | – | ≥ 1.5 | – | – | – | – | – | – | ≤ 0.6 |",
	} {
		if !strings.Contains(squeeze(b.String()), want) {
			t.Errorf("found no line %s in\n%s", want, b.String())
		}
	}
}

func TestPeakMemory(t *testing.T) {
	if kib, err := peakMemory(os.Getpid()); err != nil || kib < 1<<10 {
		t.Errorf("found %d KiB, error %v", kib, err)
	}
}
