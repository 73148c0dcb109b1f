package tasks

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// pathReader walks through a JSON file token by token and knows the path of the
// value where it stands, so that errors can name it.
type pathReader struct {
	in   *recordReader
	dec  *json.Decoder
	path []step
}

// step is one element of a path: the key of an object or the index of an array.
type step struct {
	key   string
	index int // −1: key
}

func newPathReader(r io.Reader) *pathReader {
	in := &recordReader{r: r}
	p := &pathReader{in: in, dec: json.NewDecoder(in)}
	p.dec.UseNumber()
	return p
}

// at is the path of the current value: data[3].paragraphs[0].context.
func (p *pathReader) at() string {
	var b strings.Builder
	for _, s := range p.path {
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprintf(&b, "%.60s", s.key)
	}
	return b.String()
}

// errorf is an error at the current value.
func (p *pathReader) errorf(format string, args ...any) error {
	at := p.at()
	if at == "" {
		at = "top level"
	}
	return fmt.Errorf("%s: "+format, append([]any{at}, args...)...)
}

// wrong says that a value begins with another token than it should.
func (p *pathReader) wrong(found json.Token, want string) error {
	switch v := found.(type) {
	case json.Delim:
		kind := map[json.Delim]string{'{': "an object", '[': "an array"}[v]
		return p.errorf("found %s, want %s", kind, want)
	case string:
		return p.errorf("found the text %.40q, want %s", v, want)
	case nil:
		return p.errorf("found null, want %s", want)
	default:
		return p.errorf("found %.40v, want %s", v, want)
	}
}

// token is the next token; the file must not end before it.
func (p *pathReader) token() (json.Token, error) {
	token, err := p.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, p.errorf("%w", err)
	}
	return token, nil
}

// object calls do at the value of every key of the object that begins with a
// token. do must read the value.
func (p *pathReader) object(begin json.Token, do func(key string) error) error {
	if begin != json.Delim('{') {
		return p.wrong(begin, "an object")
	}
	for {
		token, err := p.token()
		if err != nil {
			return err
		}
		key, isKey := token.(string)
		if !isKey {
			return nil // the closing brace
		}
		p.path = append(p.path, step{key, -1})
		if err := do(key); err != nil {
			return err
		}
		p.path = p.path[:len(p.path)-1]
	}
}

// array calls do at every element of the array that begins with a token. do
// gets the element's first token and must read the rest.
func (p *pathReader) array(begin json.Token, do func(begin json.Token) error) error {
	if begin != json.Delim('[') {
		return p.wrong(begin, "an array")
	}
	for i := 0; ; i++ {
		token, err := p.token()
		if err != nil {
			return err
		}
		if token == json.Delim(']') {
			return nil
		}
		p.path = append(p.path, step{"", i})
		if err := do(token); err != nil {
			return err
		}
		p.path = p.path[:len(p.path)-1]
	}
}

// text reads a string.
func (p *pathReader) text() (string, error) {
	token, err := p.token()
	if err != nil {
		return "", err
	}
	return p.asText(token)
}

func (p *pathReader) asText(token json.Token) (string, error) {
	s, ok := token.(string)
	if !ok {
		return "", p.wrong(token, "a text")
	}
	return s, nil
}

// asCount takes a token for a whole number from 0.
func (p *pathReader) asCount(token json.Token) (int, error) {
	number, ok := token.(json.Number)
	if !ok {
		return 0, p.wrong(token, "a whole number from 0")
	}
	n, err := strconv.ParseUint(number.String(), 10, 31)
	if err != nil {
		return 0, p.wrong(token, "a whole number from 0")
	}
	return int(n), nil
}

// skip reads a value that means nothing here.
func (p *pathReader) skip() error {
	for depth := 0; ; {
		token, err := p.token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
