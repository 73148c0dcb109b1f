package tasks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadSQuAD(t *testing.T) {
	// ÄÖ é b: characters 0 to 5 begin at bytes 0, 2, 4, 5, 7, 8, and it ends at 9.
	const unicode = "ÄÖ é b"
	tests := []struct {
		name, json string
		want       []Question
	}{
		{"SQuAD 1.1", `{"version": "1.1", "data": [{"title": "t", "paragraphs": [
			{"context": "ÄÖ é b", "qas": [
				{"id": "1", "question": "b?", "answers": [{"text": "b", "answer_start": 5}, {"answer_start": 3, "text": "é b"}]},
				{"answers": [{"answer_start": 0, "text": "ÄÖ"}], "question": "c?", "id": "2"}]},
			{"context": "x", "qas": []}]}]}`,
			[]Question{
				{"1", "b?", unicode, []Answer{{"b", 8, 9}, {"é b", 5, 9}}},
				{"2", "c?", unicode, []Answer{{"ÄÖ", 0, 4}}},
			}},
		{"SQuAD 2.0, the questions before the context", `{"data": [{"paragraphs": [{"qas": [
				{"plausible_answers": [{"text": "b", "answer_start": [{}]}], "id": "1", "is_impossible": true, "question": "b?", "answers": []},
				{"id": "2", "question": "c?"}], "context": "a b"}]}], "version": "v2.0"}`,
			[]Question{{"1", "b?", "a b", []Answer{}}, {"2", "c?", "a b", nil}}},
		{"a question a row, arrays of answers", `{"data": [
			{"id": "1", "title": "t", "context": "ÄÖ é b", "question": "b?", "answers": {"text": ["b", "é"], "answer_start": [5, 3]}},
			{"id": 2, "context": "ÄÖ é b", "question": "none?", "answers": {"text": [], "answer_start": []}}]}`,
			[]Question{{"1", "b?", unicode, []Answer{{"b", 8, 9}, {"é", 5, 7}}}, {"2", "none?", unicode, []Answer{}}}},
		{"a question a row, an array of answers", `{"data": [{"id": "1", "context": "a b", "question": "b?", "answers": [{"text": "b", "answer_start": 2}]}]}`,
			[]Question{{"1", "b?", "a b", []Answer{{"b", 2, 3}}}}},
		{"places that are not given", `{"data": [{"id": "1", "context": "a b", "question": "b?", "answers": {"text": ["b"]}},
			{"id": "2", "context": "a b", "question": "b?", "answers": [{"text": "b"}]}]}`,
			[]Question{{"1", "b?", "a b", []Answer{{"b", -1, 0}}}, {"2", "b?", "a b", []Answer{{"b", -1, 0}}}}},
		{"a byte that is no UTF-8", "{\"data\": [{\"id\": \"1\", \"context\": \"\xff b\", \"question\": \"b?\", \"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}]}",
			[]Question{{"1", "b?", "\uFFFD b", []Answer{{"b", 4, 5}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readSQuAD("x.json", strings.NewReader(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestReadSQuADErrors(t *testing.T) {
	nested := func(qas string) string {
		return `{"data": [{"paragraphs": []}, {"paragraphs": [{"context": "ab", "qas": [{"id": "1", "question": "q"}, ` + qas + `]}]}]}`
	}
	for json, want := range map[string]string{
		``:                                       "x.json:1: top level: unexpected EOF",
		`[]`:                                     "x.json:1: top level: found an array, want an object",
		`{"data": {}}`:                           "x.json:1: data: found an object, want an array",
		`{"version": "1.1"}`:                     `x.json:1: top level: found no "data"`,
		`{"data": []} {}`:                        "x.json:1: top level: found more behind the object",
		`{"data": []}`:                           "x.json: no questions",
		"{\"data\": [\n3]}":                      "x.json:2: data[0]: found 3, want an object",
		`{"data": [{"title": "x"}]}`:             `x.json:1: data[0]: found neither "paragraphs" nor "context"`,
		`{"data": [{"paragraphs": [{}]}]}`:       `x.json:1: data[0].paragraphs[0]: found no "context"`,
		`{"data": [{"paragraphs": [{"qas": 1}]`:  "x.json:1: data[0].paragraphs[0].qas: found 1, want an array",
		`{"data": [{"context": "c"}]}`:           `x.json:1: data[0]: found no "id"`,
		`{"data": [{"context": "c", "id": "1"}]`: `x.json:1: data[0]: found no "question"`,
		`{"data": [{"context": null`:             "x.json:1: data[0].context: found null, want a text",
		`{"data": [{"context": "c`:               "x.json:1: data[0].context: unexpected EOF",
		`{"data": [{"id": [`:                     "x.json:1: data[0].id: found an array, want a text",
		nested(`{"id": "2", "question": {}}`):    "x.json:1: data[1].paragraphs[0].qas[1].question: found an object, want a text",
		nested(`{"id": "2"}`):                    `x.json:1: data[1].paragraphs[0].qas[1]: found no "question"`,
		nested(`{"id": "2", "question": "q", "answers": "b"}`):                                            `qas[1].answers: found the text "b", want an array`,
		nested(`{"id": "2", "question": "q", "answers": [{}]}`):                                           `qas[1].answers[0]: found no "text"`,
		nested(`{"id": "2", "question": "q", "answers": [{"answer_start": -1}]}`):                         "qas[1].answers[0].answer_start: found -1, want a whole number from 0",
		nested(`{"id": "2", "question": "q", "answers": [{"answer_start": 99999999999999999999}]}`):       "answer_start: found 99999999999999999999, want a whole number",
		nested(`{"id": "2", "question": "q", "answers": [{"text": "b", "answer_start": 2}]}`):             "data[1].paragraphs[0].qas[1].answers[0].answer_start: found 2, want at most 1",
		nested(`{"id": "2", "question": "q", "answers": {"text": ["a", "b"], "answer_start": [0, 7]}}`):   "qas[1].answers.answer_start[1]: found 7, want at most 1",
		nested(`{"id": "2", "question": "q", "answers": {"text": ["a"], "answer_start": [0, 7]}}`):        `qas[1].answers: found 2 values in "answer_start", want one for each of 1 in "text"`,
		nested(`{"id": "2", "question": "q", "answers": {"text": [0]}}`):                                  "qas[1].answers.text[0]: found 0, want a text",
		`{"data": [{"context": "` + strings.Repeat("x", maxRecord+1<<20):                                  "row is longer than 16 MiB",
		`{"x": ` + strings.Repeat("[", 1<<20):                                                             "unexpected EOF",
		`{"data": [{"id": "` + strings.Repeat("9", 100) + `", "question": "q", "context": "", "answers"}`: "invalid character",
	} {
		_, err := readSQuAD("x.json", strings.NewReader(json))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.100s: error %.400v, want one with %s", json, err, want)
		}
	}
	if _, err := ReadSQuAD("data.csv"); err == nil || !strings.Contains(err.Error(), `extension is ".csv", want .json`) {
		t.Errorf("other extension: %v", err)
	}
	if _, err := ReadSQuAD(filepath.Join(t.TempDir(), "absent.json")); !os.IsNotExist(err) {
		t.Errorf("absent file: %v", err)
	}
}

// FuzzReadSQuAD wants no panic, and answers that lie in their contexts.
func FuzzReadSQuAD(f *testing.F) {
	f.Add(`{"data": [{"paragraphs": [{"context": "é b", "qas": [{"id": "1", "question": "b?", "answers": [{"text": "b", "answer_start": 2}]}]}]}]}`)
	f.Add(`{"data": [{"id": 1, "context": "a", "question": "", "answers": {"answer_start": [0], "text": ["a"]}}]}`)
	f.Add(`{"data": [{"context": "\ud800", "id": "", "question": "", "answers": {"answer_start": [0], "text": ["\u0000"]}}]}`)
	f.Fuzz(func(t *testing.T, json string) {
		questions, err := readSQuAD("x.json", strings.NewReader(json))
		if err != nil {
			return
		}
		for _, q := range questions {
			for _, a := range q.Answers {
				if a.Start >= 0 && (a.Start > a.End || a.End > len(q.Context)) {
					t.Errorf("answer at %d:%d of a context of %d bytes", a.Start, a.End, len(q.Context))
				}
			}
		}
	})
}
