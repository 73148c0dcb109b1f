package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// request is the decoded body of a prediction.
type request struct {
	inputs []input
	single bool // "inputs" is one input, and the answer one result
	topK   int  // 0: the request does not say
}

// decode reads the body of a request; errors name the field.
func (s *Server) decode(body []byte) (*request, error) {
	if err := checkSyntax(body); err != nil {
		return nil, err
	}
	if kindOf(body) != "object" {
		return nil, invalid("", `found %s, want an object {"inputs", "parameters"}`, describe(body))
	}
	members, err := readObject(body, "", "inputs", "parameters")
	if err != nil {
		return nil, err
	}
	r := &request{}
	if members.has("parameters") {
		if r.topK, err = readParameters(members.values["parameters"]); err != nil {
			return nil, err
		}
	}
	if !members.has("inputs") {
		return nil, invalid("inputs", "it is missing")
	}
	inputs := members.values["inputs"]
	if kindOf(inputs) != "array" {
		r.single = true
		in, err := s.head.read(inputs, "inputs")
		r.inputs = []input{in}
		return r, err
	}
	var values []json.RawMessage
	if err := json.Unmarshal(inputs, &values); err != nil {
		return nil, invalid("inputs", "%v", err)
	}
	switch n := len(values); {
	case n == 0:
		return nil, invalid("inputs", "found an empty array, want at least one input")
	case n > s.options.MaxInputs:
		return nil, tooLarge("inputs", "found %d, want at most %d", n, s.options.MaxInputs)
	}
	for i, v := range values {
		in, err := s.head.read(v, fmt.Sprintf("inputs[%d]", i))
		if err != nil {
			return nil, err
		}
		r.inputs = append(r.inputs, in)
	}
	return r, nil
}

func readParameters(value json.RawMessage) (topK int, err error) {
	if kindOf(value) == "null" {
		return 0, nil
	}
	if kindOf(value) != "object" {
		return 0, invalid("parameters", `found %s, want an object {"top_k"}`, describe(value))
	}
	members, err := readObject(value, "parameters", "top_k")
	if err != nil || !members.has("top_k") || kindOf(members.values["top_k"]) == "null" {
		return 0, err
	}
	n, err := strconv.ParseFloat(string(members.values["top_k"]), 64)
	if err != nil || n < 1 || n != math.Trunc(n) { // 1.0 is whole, too, as JSON schemas have it
		return 0, invalid("parameters.top_k", "found %s, want a whole number from 1", describe(members.values["top_k"]))
	}
	return int(min(n, math.MaxInt32)), nil
}

// checkSyntax says where the body stops being JSON.
func checkSyntax(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return invalid("", `the body is empty, want a JSON object {"inputs", "parameters"}`)
	}
	var v json.RawMessage
	err := json.Unmarshal(body, &v)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return invalid("", "the body is not JSON: byte %d: %v", syntax.Offset, err)
	case err != nil:
		return invalid("", "the body is not JSON: %v", err)
	}
	return nil
}

// object is the members of a JSON object, which is the request's field.
type object struct {
	field  string
	values map[string]json.RawMessage
}

// readObject reads an object that has no other members than those wanted.
func readObject(value json.RawMessage, field string, wanted ...string) (*object, error) {
	o := &object{field: field}
	if err := json.Unmarshal(value, &o.values); err != nil {
		return nil, invalid(field, "%v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		if !slices.Contains(wanted, name) {
			return nil, invalid(join(field, short(name)), "unknown field, want %s", strings.Join(wanted, " or "))
		}
	}
	return o, nil
}

func (o *object) has(name string) bool { return o.values[name] != nil }

// text reads the member of that name, which must be there, into a string.
func (o *object) text(name string, to *string) error {
	if !o.has(name) {
		return invalid(join(o.field, name), "it is missing")
	}
	return readString(o.values[name], join(o.field, name), to)
}

func readString(value json.RawMessage, field string, to *string) error {
	if kindOf(value) != "string" {
		return invalid(field, "found %s, want a string", describe(value))
	}
	if err := json.Unmarshal(value, to); err != nil {
		return invalid(field, "%v", err)
	}
	return nil
}

// join is the path of an object's member.
func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// kindOf names the kind of a valid JSON value.
func kindOf(value json.RawMessage) string {
	value = bytes.TrimSpace(value)
	switch {
	case len(value) == 0:
		return "nothing"
	case value[0] == '{':
		return "object"
	case value[0] == '[':
		return "array"
	case value[0] == '"':
		return "string"
	case value[0] == 't' || value[0] == 'f':
		return "boolean"
	case value[0] == 'n':
		return "null"
	default:
		return "number"
	}
}

// describe shows a found value in a message: scalars themselves, others by kind.
func describe(value json.RawMessage) string {
	switch kind := kindOf(value); kind {
	case "object", "array":
		return "an " + kind
	default:
		return short(string(bytes.TrimSpace(value)))
	}
}

// short cuts what a client sent to a length that fits in a message.
func short(s string) string {
	const longest = 40 // bytes
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}
