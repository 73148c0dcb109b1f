package jpqd

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed nncf_schema.json
var nncfSchemaJSON []byte

// nncfSchemaURL is the name under which the schema is compiled; nothing is fetched.
const nncfSchemaURL = "embedded:///nncf_schema.json"

// nncfSchema is the compiled schema with its JSON, in which the keys that an
// object may have are looked up for messages.
type nncfSchema struct {
	compiled *jsonschema.Schema
	document map[string]any
}

var loadNNCFSchema = sync.OnceValue(func() nncfSchema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(nncfSchemaJSON))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(nncfSchemaURL, document); err != nil {
		panic(err)
	}
	return nncfSchema{compiler.MustCompile(nncfSchemaURL), document.(map[string]any)}
})

// maxSchemaErrors is how many violations one message lists.
const maxSchemaErrors = 10

// check reports every violation of the schema, one a line in the order of the file.
func (s nncfSchema) check(root *configValue) error {
	err := s.compiled.Validate(root.plain())
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var found []*configError
	s.collect(root, invalid, &found)
	slices.SortFunc(found, func(a, b *configError) int {
		if a.offset != b.offset {
			return a.offset - b.offset
		}
		return strings.Compare(a.path, b.path)
	})
	found = slices.CompactFunc(found, func(a, b *configError) bool { return a.path == b.path })
	var errs []error
	for i, e := range found {
		if i == maxSchemaErrors {
			errs = append(errs, fmt.Errorf("and %d more", len(found)-i))
			break
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// collect words the leaves of a validation error.
func (s nncfSchema) collect(root *configValue, e *jsonschema.ValidationError, found *[]*configError) {
	for _, cause := range e.Causes {
		s.collect(root, cause, found)
	}
	if len(e.Causes) > 0 {
		return
	}
	v := root.at(e.InstanceLocation)
	add := func(err error) { *found = append(*found, err.(*configError)) }
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		add(v.wrong(wordTypes(k.Want)))
	case *kind.Enum:
		add(wordEnum(v, k.Want))
	case *kind.Required:
		properties := s.lookup(e.SchemaURL)["properties"].(map[string]any)
		for _, key := range k.Missing { // "algorithm" and "mode", which are enumerations
			property := properties[key].(map[string]any)
			add(v.missing(key, "required key is missing", wordValues(property["enum"].([]any))))
		}
	case *kind.AdditionalProperties:
		known := knownKeys(s.lookup(e.SchemaURL))
		for _, key := range k.Properties {
			child := *v.get(key)
			add(child.refuse("unknown key", wordKeys(key, known)))
		}
	default:
		add(v.refuse("the schema of the file is violated", fmt.Sprint("what ", e.SchemaURL, " says")))
	}
}

// lookup returns the part of the schema that an absolute location names.
func (s nncfSchema) lookup(location string) map[string]any {
	_, pointer, _ := strings.Cut(location, "#")
	schema := s.document
	for _, token := range strings.Split(pointer, "/")[1:] {
		schema = schema[token].(map[string]any)
	}
	return schema
}

// knownKeys are the keys that an object's schema lists.
func knownKeys(schema map[string]any) []string {
	return slices.Sorted(maps.Keys(schema["properties"].(map[string]any)))
}

// wordKeys says which key may be meant: the nearest one, or all where none is near.
func wordKeys(key string, known []string) string {
	nearest, distance := nearestKey(key, known)
	if distance <= max(2, len(key)/2) {
		return fmt.Sprintf("%q, the nearest known key", nearest)
	}
	return wordList(known, "or")
}

// wordEnum complains about a value that is none of those allowed.
func wordEnum(v *configValue, want []any) error {
	algorithm, _ := v.scalar.(string)
	if strings.HasSuffix("."+v.path, ".algorithm") && slices.Contains(otherAlgorithms, algorithm) {
		return v.refuse("this algorithm of NNCF is not supported by jpqd", wordValues(want))
	}
	return v.wrong(wordValues(want))
}

// otherAlgorithms are NNCF's algorithms that jpqd does not have.
var otherAlgorithms = []string{
	"binarization", "const_sparsity", "experimental_quantization", "filter_pruning",
	"knowledge_distillation", "magnitude_sparsity", "rb_sparsity",
}

func wordValues(values []any) string {
	var words []string
	for _, value := range values {
		words = append(words, fmt.Sprint(value))
	}
	return wordList(words, "or")
}

func wordTypes(names []string) string {
	words := map[string]string{
		"object": "an object", "array": "an array", "string": "a string",
		"number": "a number", "boolean": "true or false",
	}
	var out []string
	for _, name := range names {
		out = append(out, words[name])
	}
	slices.Sort(out)
	return strings.Join(out, " or ")
}

// wordList quotes words and joins them: "a", "b" or "c".
func wordList(words []string, conjunction string) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" " + conjunction + " ")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", word)
	}
	return b.String()
}

// nearestKey returns the known key at the least edit distance, the first of several.
func nearestKey(key string, known []string) (nearest string, distance int) {
	distance = -1
	for _, candidate := range known {
		if d := editDistance(key, candidate); distance < 0 || d < distance {
			nearest, distance = candidate, d
		}
	}
	return nearest, distance
}

// editDistance counts the insertions, deletions and replacements of bytes that
// turn a into b (Levenshtein). Only the first bytes of long keys are compared.
func editDistance(a, b string) int {
	const limit = 64
	a, b = a[:min(len(a), limit)], b[:min(len(b), limit)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
