package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// readDocument returns the OpenAPI document of a server.
func readDocument(t *testing.T, s *Server) document {
	t.Helper()
	w := send(s, "GET", "/openapi.json", "")
	var doc document
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// The document has the server's routes, no others, and every reference leads
// somewhere.
func TestOpenAPIRoutes(t *testing.T) {
	for _, labels := range []int{0, 1, 2} {
		doc := readDocument(t, startServer(t, newFake(labels), testOptions()))
		var want, got []string
		for _, r := range routes {
			want = append(want, strings.ToLower(r.method)+" "+r.path)
		}
		for path, methods := range doc.at("paths") {
			for method, operation := range methods.(map[string]any) {
				got = append(got, method+" "+path)
				if operation.(map[string]any)["responses"] == nil {
					t.Errorf("%s %s has no responses", method, path)
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("routes %q, want %q", got, want)
		}
		if doc["openapi"] != "3.1.0" || doc.at("info")["title"] == "" || doc.at("info")["version"] == "" {
			t.Errorf("openapi %v, info %v", doc["openapi"], doc["info"])
		}
		checkReferences(t, doc, map[string]any(doc))
	}
}

func checkReferences(t *testing.T, doc document, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			checkReferences(t, doc, e)
		}
	case map[string]any:
		for key, e := range v {
			if ref, ok := e.(string); ok && key == "$ref" {
				to := any(map[string]any(doc))
				for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					m, _ := to.(map[string]any)
					to = m[step]
				}
				if to == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			checkReferences(t, doc, e)
		}
	}
}

// Requests that are answered and their answers fit the document's schemas, and
// requests that are refused do not.
func TestOpenAPISchemas(t *testing.T) {
	for _, test := range []struct {
		labels int
		status int
		body   string
	}{
		{2, 200, `{"inputs": "a"}`},
		{2, 200, `{"inputs": ["a", {"text": "b"}, {"text": "b", "text_pair": "a"}], "parameters": {"top_k": 1}}`},
		{1, 200, `{"inputs": {"text": "b"}, "parameters": null}`},
		{0, 200, `{"inputs": {"question": "a", "context": "b"}}`},
		{0, 200, `{"inputs": [{"question": "a", "context": "b"}]}`},
		{0, 200, `{"inputs": [{"question": "a", "context": "b"}], "parameters": {"top_k": 3}}`},
		{2, 400, `{"inputs": []}`},
		{2, 400, `{"inputs": 1}`},
		{2, 400, `{"inputs": {"question": "a", "context": "b"}}`},
		{2, 400, `{"inputs": "a", "parameters": {"top_k": 0}}`},
		{2, 200, `{"inputs": "a", "parameters": {"top_k": 1.0}}`},
		{2, 200, `{"inputs": "a", "parameters": {"top_k": 100000000000000000000}}`},
		{2, 400, `{"inputs": "a", "parameters": {"top_k": 1.5}}`},
		{2, 400, `{"inputs": "a", "more": 1}`},
		{2, 413, `{"inputs": [` + strings.Repeat(`"a",`, 256) + `"a"]}`},
		{0, 400, `{"inputs": "a"}`},
		{0, 400, `{"inputs": {"question": " ", "context": "b"}}`},
	} {
		t.Run(fmt.Sprintf("%.60s", test.body), func(t *testing.T) {
			s := startServer(t, newFake(test.labels), testOptions())
			w := predict(s, test.body)
			if w.Code != test.status {
				t.Fatalf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if err := validate(t, s, "Request", test.body); (err == nil) != (test.status == http.StatusOK) {
				t.Errorf("status %d, but the request's schema says: %v", test.status, err)
			}
			schema := "Response"
			if test.status != http.StatusOK {
				schema = "Error"
			}
			if err := validate(t, s, schema, w.Body.String()); err != nil {
				t.Errorf("%s: %v", w.Body, err)
			}
			responses := readDocument(t, s).at("paths", "/predict", "post", "responses")
			if responses[fmt.Sprint(test.status)] == nil {
				t.Errorf("status %d is not in the document", test.status)
			}
		})
	}
}

// validate holds a JSON text against one of the document's schemas, which are
// JSON schemas of the draft 2020-12.
func validate(t *testing.T, s *Server, schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(s.openAPI)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("openapi.json#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(v)
}

// The page's example is a request that is answered.
func TestPage(t *testing.T) {
	for labels, want := range map[int]string{0: "Answers questions", 1: "a value", 2: "negative, positive"} {
		e := newFake(labels)
		s, err := newServer("<model>", e.config, newTokenizer(t), e, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := send(s, "GET", "/", "")
		page := w.Body.String()
		for _, part := range []string{want, "&lt;model&gt;", "http://example.com/predict", "<tr><th>POST /predict<td>", `<a href="/metrics">`} {
			if !strings.Contains(page, part) {
				t.Errorf("the page has no %q:\n%s", part, page)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("Content-Security-Policy: %q", csp)
		}
		if w := predict(s, s.about.Example); w.Code != http.StatusOK {
			t.Errorf("the example: status %d: %s", w.Code, w.Body)
		}
		for _, name := range []string{"tokens of ", "inputs of a request", "sequences in the queue", "requests at a time"} {
			if !strings.Contains(fmt.Sprint(readDocument(t, s).at("info")["description"]), name) {
				t.Errorf("the document does not tell the limit of %s", name)
			}
		}
	}
}
