package tasks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInferTask(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                GLUETask
	}{
		{"one text", "x.csv", "label,text\n1,a\n0,b\n", GLUETask{Text1: "text", Labels: []string{"0", "1"}}},
		{"first two columns", "x.csv", "title,label,body,author\na,1,b,c\na,0,b,c\n", GLUETask{Text1: "title", Text2: "body", Labels: []string{"0", "1"}}},
		{"sentence1 and sentence2", "x.csv", "idx,sentence2,label,sentence1\n1,b,x,a\n2,b,y,a\n", GLUETask{Text1: "sentence1", Text2: "sentence2", Labels: []string{"x", "y"}}},
		{"names are sorted", "x.tsv", "text\tlabel\na\tpos\nb\tneg\nc\tNEU\n", GLUETask{Text1: "text", Labels: []string{"NEU", "neg", "pos"}}},
		{"numbers are sorted by value", "x.tsv", "text\tlabel\na\t10\nb\t9\nc\t-2\nd\t09\n", GLUETask{Text1: "text", Labels: []string{"-2", "9", "10"}}},
		{"numbers among names", "x.tsv", "text\tlabel\na\t10\nb\t9\nc\tx\n", GLUETask{Text1: "text", Labels: []string{"10", "9", "x"}}},
		{"regression", "x.csv", "text,label\na,1\nb,0.5\n", GLUETask{Text1: "text", Regression: true, Metric: MSE}},
		{"json, classes", "x.json", `{"a": "x", "label": 2, "b": "y"} {"a": "x", "label": 1}`, GLUETask{Text1: "a", Text2: "b", Labels: []string{"1", "2"}}},
		{"json, numbers in quotes", "x.json", `{"a": "x", "label": "1.5"} {"a": "x", "label": "2"}`, GLUETask{Text1: "a", Labels: []string{"1.5", "2"}}},
		{"json, regression", "x.json", `{"data": [{"a": "x", "label": 2}, {"a": "x", "label": 1.5}]}`, GLUETask{Text1: "a", Regression: true, Metric: MSE}},
		{"json, booleans", "x.json", `[{"a": "x", "label": true}, {"a": "x", "label": false}]`, GLUETask{Text1: "a", Labels: []string{"False", "True"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := InferTask(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestInferTaskErrors(t *testing.T) {
	var many strings.Builder
	many.WriteString("text,label\n")
	for i := range maxInferred + 1 {
		fmt.Fprintf(&many, "a,x%d\n", i)
	}
	tests := []struct {
		name, file, content, want string
	}{
		{"no label", "x.csv", "text,class\na,1\n", `x.csv:2: no column "label", found ["text" "class"]`},
		{"empty label", "x.csv", "text,label\na,1\nb,\n", `x.csv:3: column "label": label is empty`},
		{"no text", "x.csv", "label\n1\n0\n", `x.csv: no column beside "label"`},
		{"numbers for texts", "x.csv", "idx,sentence,label\n0,a,1\n1,b,0\n", `x.csv: column "idx" holds no texts; the texts are`},
		{"one label", "x.csv", "text,label\na,1\nb,1\n", `x.csv: column "label" holds only "1", want at least two`},
		{"no rows", "x.csv", "text,label\n", "x.csv: no rows"},
		{"texts for labels", "x.csv", many.String(), `x.csv:10002: column "label" has more than 10000 different values`},
		{"ids for labels", "x.csv", strings.ReplaceAll(many.String(), "x", ""), `x.csv: column "label" has more than 10000 different values`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "ids for labels" {
				tt.content = "text" + tt.content[len("tet"):] // the header's x went too
			}
			_, err := inferTask(tt.file, strings.NewReader(tt.content))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
	if _, err := InferTask(filepath.Join(t.TempDir(), "absent.csv")); !os.IsNotExist(err) {
		t.Errorf("absent file: %v", err)
	}
}
