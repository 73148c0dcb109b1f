package serve

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed openapi.json
var openAPIDocument []byte

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// makePages makes the OpenAPI document and the page of this model and its limits.
func (s *Server) makePages() error {
	o := &s.options
	task, kind := "Classifies texts and pairs of texts as "+strings.Join(s.config.Labels, ", ")+".", "Text"
	topK := "Labels to return; all by default"
	example := `{"inputs": ["a charming film .", {"text": "first text", "text_pair": "second text"}]}`
	limits := []limit{{"tokens of an input", fmt.Sprintf("%d; a longer one is cut", o.MaxSeqLength)}}
	switch {
	case s.config.QuestionAnswering():
		task, kind = "Answers questions with a part of their context.", "Question"
		topK = "Answers to return, as an array; by default the best alone"
		example = `{"inputs": {"question": "Who wrote it?", "context": "It was written by Ada."}}`
		limits = []limit{{"tokens of a window", fmt.Sprintf("%d, %d of them shared with the next window of a long context", o.MaxSeqLength, o.Questions.DocStride)}}
	case regression(&s.config):
		task = "Gives texts and pairs of texts a value."
		fallthrough
	default:
		if o.Truncation == Refuse {
			limits[0].Value = fmt.Sprintf("%d; a longer one is refused", o.MaxSeqLength)
		}
	}
	limits = append(limits,
		limit{"inputs of a request", fmt.Sprint(o.MaxInputs)},
		limit{"bytes of a request", fmt.Sprint(o.MaxBody)},
		limit{"time of a request", o.Timeout.String()},
		limit{"sequences in the queue", fmt.Sprint(o.MaxQueue)},
		limit{"requests at a time", fmt.Sprint(o.MaxRequests)},
	)
	var doc document
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		return fmt.Errorf("serve: openapi.json: %w", err)
	}
	description := []string{s.name + ". " + task + " Limits:"}
	for _, l := range limits {
		description = append(description, "- "+l.Name+": "+l.Value)
	}
	doc.at("info")["description"] = strings.Join(description, "\n")
	schemas := doc.at("components", "schemas")
	for _, name := range []string{"Input", "Result"} {
		schemas[name] = schemas[kind+name]
	}
	for _, name := range []string{"TextInput", "TextResult", "QuestionInput", "QuestionResult"} {
		delete(schemas, name)
	}
	if kind == "Text" {
		delete(schemas, "Answer")
	}
	doc.at("components", "schemas", "Request", "properties", "parameters", "properties", "top_k")["description"] = topK
	inputs := doc.at("components", "schemas", "Request", "properties", "inputs")["oneOf"].([]any)
	inputs[1].(map[string]any)["maxItems"] = o.MaxInputs
	var err error
	if s.openAPI, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return fmt.Errorf("serve: openapi.json: %w", err)
	}
	s.about = about{Name: s.name, Task: task, Example: example, Limits: limits}
	for _, t := range routes {
		summary, _ := doc.at("paths", t.path, strings.ToLower(t.method))["summary"].(string)
		s.about.Routes = append(s.about.Routes, routeLine{t.method, t.path, summary})
	}
	return nil
}

// about is what the page shows.
type about struct {
	Name, Task, Example, Host string
	Limits                    []limit
	Routes                    []routeLine
}

// limit and routeLine are lines of the page's tables.
type (
	limit     struct{ Name, Value string }
	routeLine struct{ Method, Path, Summary string }
)

// document is an OpenAPI document.
type document map[string]any

// at is the object at a path that openapi.json has.
func (d document) at(path ...string) map[string]any {
	v := map[string]any(d)
	for _, key := range path {
		v = v[key].(map[string]any)
	}
	return v
}

func (s *Server) serveOpenAPI(x *exchange) {
	x.write(http.StatusOK, "application/json", s.openAPI)
}

// servePage writes the page. It fetches nothing from elsewhere.
func (s *Server) servePage(x *exchange) {
	page := s.about
	page.Host = x.r.Host
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, page); err != nil {
		panic(err)
	}
	x.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'")
	x.write(http.StatusOK, "text/html; charset=utf-8", text.Bytes())
}
