package jpqd

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// maxConfigDepth bounds the nesting of objects and arrays: the deepest value
// that a section knows lies nine levels down, and the reader is recursive.
const maxConfigDepth = 64

// configValue is one value of a configuration file, with its place there.
type configValue struct {
	path     string // "compression[0].params.power"; "" for the whole file
	line     int    // from 1
	offset   int    // of its first byte
	text     []byte // as it stands in the file
	scalar   any    // string, float64, bool, nil; unused for objects and arrays
	object   bool
	array    bool
	members  []configMember // of an object, each key once, in the order of the file
	index    map[string]int // of an object: place of each key in members
	elements []*configValue // of an array
}

// configMember is one key of an object with its value.
type configMember struct {
	key   string
	value *configValue
}

// parseConfigValue reads JSON with comments and trailing commas. It returns the
// value, the same in standard JSON, and warnings about keys given twice.
func parseConfigValue(data []byte) (root *configValue, standard []byte, warnings []string, err error) {
	if depth := nestingDepth(data); depth > maxConfigDepth {
		return nil, nil, nil, fmt.Errorf("found objects and arrays nested %d deep, want at most %d", depth, maxConfigDepth)
	}
	// hujson wants a newline after a last comment; positions of errors are those without it.
	lines := append(data[:len(data):len(data)], '\n')
	ast, err := hujson.Parse(lines)
	if err != nil {
		_, err = hujson.Parse(data)
		return nil, nil, nil, errors.New(strings.TrimPrefix(err.Error(), "hujson: "))
	}
	b := valueBuilder{data: lines, line: 1}
	root, err = b.build(&ast, "")
	if err != nil {
		return nil, nil, nil, err
	}
	ast.Minimize()
	return root, ast.Pack(), b.warnings, nil
}

// nestingDepth is the deepest nesting of brackets outside strings and comments.
func nestingDepth(data []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '/':
			rest := data[i:]
			end := -1
			switch {
			case bytes.HasPrefix(rest, []byte("//")):
				end = bytes.IndexByte(rest, '\n')
			case bytes.HasPrefix(rest, []byte("/*")):
				if end = bytes.Index(rest[2:], []byte("*/")); end >= 0 {
					end += 3
				}
			default:
				continue // a syntax error, which the parser reports
			}
			if end < 0 {
				return deepest
			}
			i += end
		}
	}
	return deepest
}

// valueBuilder turns hujson's syntax tree into configValues.
type valueBuilder struct {
	data     []byte
	line     int // of data[counted], the value built last
	counted  int
	warnings []string
}

func (b *valueBuilder) build(ast *hujson.Value, path string) (*configValue, error) {
	b.line += bytes.Count(b.data[b.counted:ast.StartOffset], []byte("\n"))
	b.counted = ast.StartOffset
	v := &configValue{
		path: path, line: b.line, offset: ast.StartOffset,
		text: b.data[ast.StartOffset:ast.EndOffset],
	}
	switch t := ast.Value.(type) {
	case *hujson.Object:
		v.object = true
		v.index = make(map[string]int, len(t.Members))
		for i := range t.Members {
			key := t.Members[i].Name.Value.(hujson.Literal).String()
			child, err := b.build(&t.Members[i].Value, joinKey(path, key))
			if err != nil {
				return nil, err
			}
			if at, twice := v.index[key]; twice {
				b.warnings = append(b.warnings, child.warning("the key is given twice; this value counts"))
				v.members[at].value = child
				continue
			}
			v.index[key] = len(v.members)
			v.members = append(v.members, configMember{key, child})
		}
	case *hujson.Array:
		v.array = true
		for i := range t.Elements {
			child, err := b.build(&t.Elements[i], fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return nil, err
			}
			v.elements = append(v.elements, child)
		}
	case hujson.Literal:
		switch t.Kind() {
		case '"':
			v.scalar = t.String()
		case 't', 'f':
			v.scalar = t.Bool()
		case '0':
			number, err := strconv.ParseFloat(string(t), 64)
			if err != nil || math.Abs(number) > math.MaxFloat32 {
				return nil, v.wrong("a number between -3.4e38 and 3.4e38")
			}
			v.scalar = number
		}
	}
	return v, nil
}

// plainKey matches keys that a path shows without quotes.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func joinKey(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	}
	return path + "." + key
}

// get returns the value of an object's key, nil where the key is absent.
func (v *configValue) get(key string) *configValue {
	if v == nil {
		return nil
	}
	if at, ok := v.index[key]; ok {
		return v.members[at].value
	}
	return nil
}

// rename gives a key of an object another name.
func (v *configValue) rename(from, to string) {
	at := v.index[from]
	delete(v.index, from)
	v.members[at].key, v.index[to] = to, at
}

// at returns the value that a JSON pointer's tokens lead to.
func (v *configValue) at(tokens []string) *configValue {
	for _, token := range tokens {
		if !v.array {
			v = v.get(token)
			continue
		}
		i, err := strconv.Atoi(token)
		if err != nil {
			panic("jpqd: not an index: " + token)
		}
		v = v.elements[i]
	}
	return v
}

// plain returns the value as encoding/json would decode it.
func (v *configValue) plain() any {
	switch {
	case v.object:
		object := make(map[string]any, len(v.members))
		for _, m := range v.members {
			object[m.key] = m.value.plain()
		}
		return object
	case v.array:
		array := make([]any, len(v.elements))
		for i, e := range v.elements {
			array[i] = e.plain()
		}
		return array
	}
	return v.scalar
}

// configError is a complaint about one value of a configuration file.
type configError struct {
	line    int
	offset  int
	path    string
	message string
}

func (e *configError) Error() string {
	if e.path == "" {
		return fmt.Sprintf("line %d: %s", e.line, e.message)
	}
	return fmt.Sprintf("line %d: %s: %s", e.line, e.path, e.message)
}

// wrong complains that the value is not what is wanted.
func (v *configValue) wrong(want string) error {
	return v.refuse("", want)
}

// refuse complains with a sentence of its own before what is found and wanted.
func (v *configValue) refuse(sentence, want string) error {
	message := fmt.Sprintf("found %s, want %s", v.excerpt(), want)
	if sentence != "" {
		message = sentence + ": " + message
	}
	return &configError{line: v.line, offset: v.offset, path: v.path, message: message}
}

// missing complains that an object lacks a key.
func (v *configValue) missing(key, sentence, want string) error {
	return &configError{
		line: v.line, offset: v.offset, path: joinKey(v.path, key),
		message: fmt.Sprintf("%s: found nothing, want %s", sentence, want),
	}
}

// warning is a complaint that does not stop the reading.
func (v *configValue) warning(sentence string) string {
	return (&configError{line: v.line, path: v.path, message: sentence}).Error()
}

// excerpt is the beginning of the value's JSON.
func (v *configValue) excerpt() string {
	const limit = 80
	compact, err := hujson.Minimize(bytes.Clone(v.text))
	if err != nil {
		compact = v.text
	}
	if text := []rune(string(compact)); len(text) > limit {
		return string(text[:limit]) + "…"
	}
	return string(compact)
}
