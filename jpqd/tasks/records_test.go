package tasks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	single = Columns{Text1: "sentence", Label: "label", Labels: []string{"negative", "positive"}}
	pair   = Columns{Text1: "sentence1", Text2: "sentence2", Label: "label", Regression: true}
)

func TestReadRecords(t *testing.T) {
	ab := []Record{{Text1: "a", Label: 1}, {Text1: "b"}}
	tests := []struct {
		name    string
		file    string
		columns Columns
		content string
		want    []Record
	}{
		{"tsv by id", "x.tsv", single, "sentence\tlabel\na\t1\nb\t0\n", ab},
		{"tsv by name", "x.tsv", single, "sentence\tlabel\na\tpositive\nb\tnegative", ab},
		{"tsv, CRLF, BOM, blank lines", "x.TSV", single, "\ufeffsentence\tlabel\r\n\r\na\t1\r\nb\t0\r\n\r\n", ab},
		{"tsv, quotes and commas are text", "x.tsv", single, "sentence\tlabel\n\"a, \"\"b\t1\n", []Record{{Text1: `"a, ""b`, Label: 1}}},
		{"tsv, more fields than columns", "x.tsv", single, "sentence\tlabel\na\t1\tx\ty\nb\t0\n", ab},
		{"tsv, no UTF-8", "x.tsv", single, "sentence\tlabel\n\xffa\xc3\t1\n", []Record{{Text1: "\uFFFDa\uFFFD", Label: 1}}},
		{"tsv, empty text", "x.tsv", single, "sentence\tlabel\n\t1\n", []Record{{Label: 1}}},
		{"tsv without labels", "x.tsv", Columns{Text1: "sentence"}, "index\tsentence\n0\ta\n", []Record{{Text1: "a", Label: -1}}},
		{"tsv with leading zero", "x.tsv", single, "sentence\tlabel\na\t01\nb\t0\n", ab},
		{"csv", "x.csv", single, "label,sentence\n1,a\n0,b\n", ab},
		{"csv, quoted", "x.csv", single, "\ufefflabel,sentence\r\n1,\"a, \"\"b\"\"\nc\"\r\n", []Record{{Text1: "a, \"b\"\nc", Label: 1}}},
		{"csv, regression", "x.csv", pair, "sentence1,sentence2,label\na,b,2.5\nc,d,-1e1\n",
			[]Record{{"a", "b", 0, 2.5}, {"c", "d", 0, -10}}},
		{"csv, header given", "x.csv", Columns{Text1: "t", Label: "l", Header: []string{"l", "t"}}, "7,a\n0,b\n", []Record{{Text1: "a", Label: 7}, {Text1: "b"}}},
		{"json lines", "x.jsonl", single, "{\"sentence\": \"a\", \"label\": 1, \"idx\": [1, {\"x\": 2}]}\n{\"label\": \"negative\", \"sentence\": \"b\"}\n", ab},
		{"json array", "x.json", single, `[{"sentence": "a", "label": 1}, {"sentence": "b", "label": 0}]`, ab},
		{"json data", "x.json", single, "\ufeff{\"version\": {\"of\": [1]},\n \"data\": [{\"sentence\": \"a\", \"label\": 1},\n {\"sentence\": \"b\", \"label\": 0}],\n \"n\": 2}", ab},
		{"json, column called data", "x.json", Columns{Text1: "data"}, `{"data": "a"}`, []Record{{Text1: "a", Label: -1}}},
		{"json, regression", "x.json", pair, `{"sentence1": "a", "sentence2": "b", "label": 3}`, []Record{{"a", "b", 0, 3}}},
		{"json, booleans", "x.json", Columns{Text1: "sentence", Label: "label", Labels: []string{"False", "True"}},
			`{"sentence": "a", "label": true} {"sentence": "b", "label": false}`, ab},
		{"numbers as names", "x.csv", Columns{Text1: "sentence", Label: "label", Labels: []string{"-1", "3"}}, "sentence,label\na,3\nb,-1\n", ab},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := ReadFile(path, tt.columns)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestReadRecordsErrors(t *testing.T) {
	long := strings.Repeat("x", maxRecord)
	numbered := Columns{Text1: "sentence", Label: "label", Labels: []string{"1", "2"}}
	tests := []struct {
		name    string
		file    string
		columns Columns
		content string
		want    string // the error begins with it
	}{
		{"extension", "x.txt", single, "", `x.txt: extension is ".txt", want .tsv, .csv, .json or .jsonl`},
		{"tsv, empty", "x.tsv", single, "", "x.tsv:1: file is empty, want a header line"},
		{"csv, empty", "x.csv", single, "", "x.csv:1: file is empty, want a header line"},
		{"csv, BOM only", "x.csv", single, "\ufeff", "x.csv:1: file is empty, want a header line"},
		{"json, empty", "x.json", single, " \n", "x.json: no rows"},
		{"tsv, header only", "x.tsv", single, "sentence\tlabel\n", "x.tsv: no rows"},
		{"csv, header only", "x.csv", single, "sentence,label\n", "x.csv: no rows"},
		{"tsv, column", "x.tsv", single, "text\tlabel\na\t1\n", `x.tsv:2: no column "sentence", found ["text" "label"]`},
		{"json, column", "x.json", single, "{\"sentence\": \"a\", \"label\": 0}\n{\"sentence\": \"a\"}", `x.json:2: no column "label", found ["sentence"]`},
		{"tsv, short row", "x.tsv", single, "sentence\tlabel\na\t1\nb", `x.tsv:3: no value in column "label", found 1 of 2`},
		{"csv, short row", "x.csv", single, "sentence,label\na,1\n\"b\nb\"\n", "x.csv:3: row has 1 fields, want 2"},
		{"csv, long row", "x.csv", single, "sentence,label\na,1,2\n", "x.csv:2: row has 3 fields, want 2"},
		{"csv, quote", "x.csv", single, "sentence,label\na \"b\",1\n", `x.csv:2: column 3: bare " in non-quoted-field`},
		{"csv, cut in a quote", "x.csv", single, "sentence,label\na,1\n\"b,", `x.csv:3: column 4: extraneous or missing " in quoted-field`},
		{"label empty", "x.tsv", single, "sentence\tlabel\na\t\n", `x.tsv:2: column "label": label is empty`},
		{"label null", "x.json", single, `{"sentence": "a", "label": null}`, `x.json:1: column "label": label is empty`},
		{"label name", "x.tsv", single, "sentence\tlabel\na\tgood\n", `x.tsv:2: column "label": label is "good", want one of ["negative" "positive"] or 0 to 1`},
		{"label id", "x.tsv", single, "sentence\tlabel\na\t2\n", `x.tsv:2: column "label": label is "2", want one of`},
		{"label unknown", "x.tsv", single, "sentence\tlabel\na\t-1\n", `x.tsv:2: column "label": label is "-1", want one of`},
		{"label is a position", "x.csv", numbered, "sentence,label\na,0\n", `x.csv:2: column "label": label is "0", want one of ["1" "2"]`},
		{"label any", "x.csv", Columns{Text1: "sentence", Label: "label"}, "sentence,label\na,x\n", `x.csv:2: column "label": label is "x", want a class id from 0`},
		{"label fraction", "x.json", single, `{"sentence": "a", "label": 1.0}`, `x.json:1: column "label": label is "1.0", want one of`},
		{"label nested", "x.json", single, `{"sentence": "a", "label": [1]}`, `x.json:1: column "label": label is "a nested value"`},
		{"target", "x.csv", pair, "sentence1,sentence2,label\na,b,high\n", `x.csv:2: column "label": label is "high", want a finite number`},
		{"target NaN", "x.csv", pair, "sentence1,sentence2,label\na,b,nan\n", `x.csv:2: column "label": label is "nan", want a finite number`},
		{"target too great", "x.csv", pair, "sentence1,sentence2,label\na,b,1e40\n", `x.csv:2: column "label": label is "1e40", want a finite number`},
		{"text is a number", "x.json", single, `{"sentence": 12, "label": 1}`, `x.json:1: column "sentence": found 12, want a text`},
		{"text is null", "x.json", single, `{"sentence": null, "label": 1}`, `x.json:1: column "sentence": found null, want a text`},
		{"json, cut", "x.json", single, "{\"sentence\": \"a\", \"label\": 1}\n{\"sentence\": \"b\", ", "x.json:2: unexpected EOF"},
		{"json, cut in data", "x.json", single, "{\"data\": [{\"sentence\": \"a\", \"label\": 1},\n", "x.json:2: unexpected EOF"},
		{"json, syntax", "x.json", single, "{\"sentence\": \"a\", \"label\": 1}\n{\"sentence\" \"b\"}", "x.json:2: invalid character"},
		{"json, no object", "x.json", single, "\n[1]", `x.json:2: found "1", want an object per row`},
		{"json, texts", "x.json", single, "\"a\"", `x.json:1: found "a", want an object per row`},
		{"tsv, row too long", "x.tsv", single, "sentence\tlabel\n" + long + long, "x.tsv:2: row is longer than 16 MiB"},
		{"csv, row too long", "x.csv", single, "sentence,label\na,1\n\"" + long + "\n" + long, "x.csv:3: row is longer than 16 MiB"},
		{"json, row too long", "x.json", single, "{\"sentence\": \"a\", \"label\": 1}\n{\"sentence\": \"" + long + long, "x.json:2: row is longer than 16 MiB"},
		{"tsv, columns", "x.tsv", single, strings.Repeat("\t", maxColumns), "x.tsv:1: more than 1024 columns"},
		{"csv, columns", "x.csv", single, strings.Repeat(",", maxColumns), "x.csv:1: more than 1024 columns"},
		{"json, columns", "x.json", single, "{" + strings.Repeat(`"a":1,`, maxColumns) + `"b":2}`, "x.json:1: more than 1024 columns"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRecords(tt.file, strings.NewReader(tt.content), tt.columns)
			if err == nil {
				t.Fatalf("no error, want %s", tt.want)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %.300s\nwant  %s", err, tt.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "absent.csv"), single); !os.IsNotExist(err) {
		t.Errorf("absent file: %v", err)
	}
}

// TestReadManyRows reads more than a row may be long, in rows that are short.
func TestReadManyRows(t *testing.T) {
	text := strings.Repeat("x", 1000)
	n := maxRecord/len(text) + 5000
	for file, content := range map[string]string{
		"x.tsv":   "sentence\tlabel\n" + strings.Repeat(text+"\t1\n", n),
		"x.csv":   "sentence,label\n" + strings.Repeat(text+",1\n", n),
		"x.jsonl": strings.Repeat(`{"sentence": "`+text+`", "label": 1}`+"\n", n),
		"x.json":  `{"data": [` + strings.Repeat(`{"sentence": "`+text+`", "label": 1},`, n-1) + `{"sentence": "` + text + `", "label": 1}]}`,
	} {
		records, err := readRecords(file, strings.NewReader(content), single)
		if err != nil || len(records) != n {
			t.Errorf("%s: %d rows and error %v, want %d rows", file, len(records), err, n)
		}
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add(uint8(0), []byte("sentence\tlabel\na\t1\nb\tnegative\r\n"))
	f.Add(uint8(1), []byte("\ufefflabel,sentence\n1,\"a, \"\"b\"\"\nc\"\n"))
	f.Add(uint8(2), []byte(`{"version": 1, "data": [{"sentence": "a", "label": 1}]}`))
	f.Add(uint8(3), []byte(`{"sentence": "a", "label": "positive"} {"label": null}`))
	f.Fuzz(func(t *testing.T, kind uint8, content []byte) {
		name := []string{"x.tsv", "x.csv", "x.json", "x.jsonl"}[kind%4]
		for _, columns := range []Columns{single, pair, {Text1: "sentence"}, {Text1: "s", Header: []string{"s", "t"}, SkipIncomplete: true}} {
			records, err := readRecords(name, strings.NewReader(string(content)), columns)
			if (err == nil) != (len(records) > 0) {
				t.Fatalf("%d records and error %v", len(records), err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), name+":") {
				t.Fatalf("error does not name the file: %v", err)
			}
			for _, r := range records {
				if r.Label < -1 || len(columns.Labels) > 0 && int(r.Label) >= len(columns.Labels) {
					t.Fatalf("label %d", r.Label)
				}
			}
		}
		task, err := inferTask(name, strings.NewReader(string(content)))
		if err != nil {
			return
		}
		// What the task was made of can be read with it, unless a text is missing or no text.
		if _, err := readRecords(name, strings.NewReader(string(content)), task.Columns()); err != nil && strings.Contains(err.Error(), "label is") {
			t.Fatalf("task %+v: %v", task, err)
		}
	})
}
