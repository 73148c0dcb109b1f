package tasks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/internal/realdata"
)

func TestLookupGLUE(t *testing.T) {
	// Ids and names of HF's "glue" data set; columns of run_glue.py's task_to_keys.
	tests := []GLUETask{
		{"cola", "sentence", "", []string{"unacceptable", "acceptable"}, false, Matthews},
		{"mnli", "premise", "hypothesis", []string{"entailment", "neutral", "contradiction"}, false, Accuracy},
		{"mrpc", "sentence1", "sentence2", []string{"not_equivalent", "equivalent"}, false, AccuracyF1},
		{"qnli", "question", "sentence", []string{"entailment", "not_entailment"}, false, Accuracy},
		{"qqp", "question1", "question2", []string{"not_duplicate", "duplicate"}, false, AccuracyF1},
		{"rte", "sentence1", "sentence2", []string{"entailment", "not_entailment"}, false, Accuracy},
		{"sst2", "sentence", "", []string{"negative", "positive"}, false, Accuracy},
		{"stsb", "sentence1", "sentence2", nil, true, PearsonSpearman},
		{"wnli", "sentence1", "sentence2", []string{"not_entailment", "entailment"}, false, Accuracy},
	}
	for _, want := range tests {
		for _, name := range []string{want.Name, strings.ToUpper(want.Name)} {
			got, err := LookupGLUE(name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
	}
	_, err := LookupGLUE("sst-2")
	want := `unknown task "sst-2", want one of cola, mnli, mrpc, qnli, qqp, rte, sst2, stsb, wnli`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestReadSplit reads two rows of every task in the layout that GLUE distributes.
func TestReadSplit(t *testing.T) {
	one := func(label int32) []Record { return []Record{{Text1: `he said "no" `, Label: label}} }
	two := func(label int32, target float32) []Record {
		return []Record{{Text1: `a "quote`, Text2: "b", Label: label, Target: target}}
	}
	tests := []struct {
		task    string
		split   Split
		file    string
		content string
		want    []Record
	}{
		{"cola", Train, "train.tsv", "gj04\t1\t\the said \"no\" \n", one(1)},
		{"cola", Validation, "dev.tsv", "gj04\t0\t*\the said \"no\" \n", one(0)},
		{"cola", Test, "test.tsv", "index\tsentence\n0\the said \"no\" \n", one(-1)},
		{"mnli", Train, "train.tsv", "index\tpromptID\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n0\t1\tx\ta \"quote\tb\tneutral\tcontradiction\n", two(2, 0)},
		{"mnli", Validation, "dev_matched.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\ta \"quote\tb\tneutral\tentailment\n", two(0, 0)},
		{"mnli", ValidationMismatched, "dev_mismatched.tsv", "index\tsentence1\tsentence2\tgold_label\n0\ta \"quote\tb\tneutral\n", two(1, 0)},
		{"mnli", Test, "test_matched.tsv", "index\tsentence1\tsentence2\n0\ta \"quote\tb\n", two(-1, 0)},
		{"mnli", TestMismatched, "test_mismatched.tsv", "index\tsentence1\tsentence2\n0\ta \"quote\tb\n", two(-1, 0)},
		{"mrpc", Train, "train.tsv", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\ta \"quote\tb\r\n", two(1, 0)},
		{"mrpc", Test, "test.tsv", "\ufeffindex\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t8\ta \"quote\tb\n", two(-1, 0)},
		{"qnli", Validation, "dev.tsv", "index\tquestion\tsentence\tlabel\n0\ta \"quote\tb\tnot_entailment\n", two(1, 0)},
		{"qqp", Train, "train.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n9\t1\t2\tshort\n0\t1\t2\ta \"quote\tb\t1\n", two(1, 0)},
		{"rte", Train, "train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta \"quote\tb\tentailment\n", two(0, 0)},
		{"sst2", Train, "train.tsv", "sentence\tlabel\nhe said \"no\" \t0\n", one(0)},
		{"stsb", Train, "train.tsv", "index\tgenre\tsentence1\tsentence2\tscore\n0\tx\ta \"quote\tb\t3.800\n", two(0, 3.8)},
		{"stsb", Test, "test.tsv", "index\tgenre\tsentence1\tsentence2\n0\tx\ta \"quote\tb\n", two(-1, 0)},
		{"wnli", Train, "train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta \"quote\tb\t1\n", two(1, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.task+"/"+string(tt.split), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			task, err := LookupGLUE(tt.task)
			if err != nil {
				t.Fatal(err)
			}
			got, err := task.ReadSplit(dir, tt.split)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestReadSplitErrors(t *testing.T) {
	sst2, _ := LookupGLUE("sst2")
	dir := t.TempDir()
	if _, err := sst2.ReadSplit(dir, Train); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "sst2, train split") {
		t.Errorf("absent file: %v", err)
	}
	if _, err := sst2.ReadSplit(dir, ValidationMismatched); err == nil || err.Error() != `sst2 has no split "validation_mismatched"` {
		t.Errorf("absent split: %v", err)
	}
	if _, err := (GLUETask{}).ReadSplit(dir, Train); err != errNotGLUE {
		t.Errorf("no GLUE task: %v", err)
	}
}

// TestSST2 reads the original files: 67,349, 872 and 1,821 rows, and of the
// second 444 positive ones.
func TestSST2(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "sst2")
	task, err := LookupGLUE("sst2")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		split    Split
		rows     int
		positive int
		unknown  int
		first    Record
	}{
		{Train, 67349, 37569, 0, Record{Text1: "hide new secretions from the parental units "}},
		{Validation, 872, 444, 0, Record{Text1: "it 's a charming and often affecting journey . ", Label: 1}},
		{Test, 1821, 0, 1821, Record{Text1: "uneasy mishmash of styles and genres .", Label: -1}},
	} {
		records, err := task.ReadSplit(dir, tt.split)
		if err != nil {
			t.Fatal(err)
		}
		count := map[int32]int{}
		for _, r := range records {
			count[r.Label]++
		}
		if len(records) != tt.rows || count[1] != tt.positive || count[-1] != tt.unknown {
			t.Errorf("%s: %d rows, %d positive, %d unknown, want %d, %d, %d", tt.split, len(records), count[1], count[-1], tt.rows, tt.positive, tt.unknown)
		}
		if d := cmp.Diff(tt.first, records[0]); d != "" {
			t.Errorf("%s, first row (-want +got):\n%s", tt.split, d)
		}
	}
	inferred, err := InferTask(filepath.Join(dir, "train.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(GLUETask{Text1: "sentence", Labels: []string{"0", "1"}}, inferred); d != "" {
		t.Errorf("inferred task (-want +got):\n%s", d)
	}
}
