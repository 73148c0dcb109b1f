//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/internal/realdata"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

var update = flag.Bool("update", false, "write the lengths of sentences anew")

const lengthsFile = "../sst2-dev-lengths.txt"

// The lengths in the repository are those of SST-2's dev.tsv in BERT's uncased
// vocabulary, [CLS] and [SEP] included, in the order of the file.
func TestLengths(t *testing.T) {
	dir := realdata.Dir(t)
	tok, err := tokenizer.Load(filepath.Join(dir, "vocab"))
	if err != nil {
		t.Fatal(err)
	}
	task, err := tasks.LookupGLUE("sst2")
	if err != nil {
		t.Fatal(err)
	}
	records, err := task.ReadSplit(filepath.Join(dir, "sst2"), tasks.Validation)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i, r := range records {
		end := " "
		if i%32 == 31 || i == len(records)-1 {
			end = "\n"
		}
		fmt.Fprint(&want, len(tok.Encode(r.Text1, 128).IDs), end)
	}
	if *update {
		if err := os.WriteFile(lengthsFile, []byte(want.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(lengthsFile); err != nil || string(got) != want.String() {
		t.Errorf("%s: error %v, or other lengths than those of dev.tsv; see -update", lengthsFile, err)
	}
}

func TestLoads(t *testing.T) {
	o := options{lengths: lengthsFile, sentences: 872}
	loads, err := o.loads()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, l := range loads {
		found[l.name] = l.sequences()
	}
	for name, want := range map[string]int{loadOneShort: 1, loadOne: 1, loadEight: 8, loadPadded: 872, loadLongest: 872} {
		if found[name] != want {
			t.Errorf("%s: found %d sequences, want %d", name, found[name], want)
		}
	}
}

// Of 5 batches of 2, 4 sequences are two batches: the first, and number 5/2.
func TestSpread(t *testing.T) {
	batches := [][]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}
	for _, test := range []struct {
		sequences int
		want      []int // first lengths
	}{{4, []int{1, 3}}, {3, []int{1, 3}}, {1, []int{1}}, {10, []int{1, 2, 3, 4, 5}}, {100, []int{1, 2, 3, 4, 5}}} {
		var got []int
		for _, b := range spread(batches, test.sequences) {
			got = append(got, b[0])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%d sequences: found batches %v, want %v", test.sequences, got, test.want)
		}
	}
}

func TestRequest(t *testing.T) {
	for want, columns := range map[string]int{"128 3 7\n": 128, "7 3 7\n": 0} {
		if got := request([]int{3, 7}, columns); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

// squeeze leaves one space where there are several.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// Our f32 makes 10 and 12 sequences/s, 11 in the middle, ORT's better model 10
// (the other 8, the middle of 8, 8 and 99).
func TestTables(t *testing.T) {
	engines := []engine{
		{name: oursFloat, ours: true}, {name: oursDense, int8: true, ours: true}, {name: "ORT fp32"}, {name: "ORT other"}, {name: "ORT int8", int8: true},
	}
	all := samples{
		{loadEight, 1, oursFloat}: {10, 12}, {loadEight, 1, oursDense}: {44}, {loadEight, 1, "ORT fp32"}: {8, 8, 99}, {loadEight, 1, "ORT other"}: {10}, {loadEight, 1, "ORT int8"}: {20},
		{loadEight, 2, oursFloat}: {11}, {loadEight, 2, oursDense}: {88},
	}
	var b strings.Builder
	printTables(&b, []load{{name: loadEight}}, []int{1, 2}, engines, all)
	for _, want := range []string{
		"| 8×128       |       1 | 11.00 | 44.00 |     8.00 |        10.00 |    20.00 |",
		"| 8×128       |       2 | 11.00 | 88.00 |        – |            – |        – |",
		"| our f32 / ORT's best f32, 8×128   | ≥ 1.20 |      1.10 |         – |",
		"| int8 / best f32 of either, 8×128  | ≥ 3.60 |      4.00 |      8.00 |",
		"| int8 / ORT's best int8, 8×128     | ≥ 1.50 |      2.20 |         – |",
		"| f32, these threads / one, 8×128   | ≥ 1.85 |         – |      1.00 |",
		"| int8, these threads / one, 8×128  | ≥ 1.85 |         – |      2.00 |",
	} {
		if !strings.Contains(squeeze(b.String()), squeeze(want)) {
			t.Errorf("found no line %s in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "SST-2") {
		t.Errorf("found a bar that was not measured in\n%s", b.String())
	}
}
