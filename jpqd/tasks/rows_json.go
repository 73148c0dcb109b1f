package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

var errNotObject = errors.New("want an object per row, or an object whose \"data\" is an array of them")

// jsonRows reads objects one after another (JSON Lines), an array of objects,
// or an object whose "data" is such an array; as HF's json loader, which finds
// "data" only when told to. A value's place in an object does not matter.
func jsonRows(name string, r io.Reader, yield func(row, error) bool) {
	in := &recordReader{r: r}
	j := &jsonReader{in: in, dec: json.NewDecoder(in), yield: yield}
	j.dec.UseNumber()
	err := j.file()
	if err == nil || err == errStopped {
		return
	}
	yield(row{}, rowError(name, in.lineOf(j.dec, err), err))
}

// lineOf is the line where a decoder that reads from r met an error.
func (r *recordReader) lineOf(dec *json.Decoder, err error) int {
	at := dec.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at = max(at, syntax.Offset-1)
	case errors.Is(err, io.ErrUnexpectedEOF):
		at = r.read
	}
	return r.lineAt(at)
}

// errStopped ends the reading when the consumer of rows wants no more.
var errStopped = errors.New("stopped")

// jsonReader walks through a file token by token, so that no more than one row
// is in memory.
type jsonReader struct {
	in    *recordReader
	dec   *json.Decoder
	yield func(row, error) bool
}

// file reads the values at the top.
func (j *jsonReader) file() error {
	for {
		token, err := j.dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'):
			err = j.object(true)
		case json.Delim('['):
			err = j.array()
		default:
			err = fmt.Errorf("found %.60q, %w", fmt.Sprint(token), errNotObject)
		}
		if err != nil {
			return err
		}
	}
}

// token is the next token where the file must not end.
func (j *jsonReader) token() (json.Token, error) {
	token, err := j.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// array reads the objects of an array, whose bracket has been read.
func (j *jsonReader) array() error {
	for {
		j.in.start = j.dec.InputOffset()
		token, err := j.token()
		switch {
		case err != nil:
			return err
		case token == json.Delim(']'):
			return nil
		case token != json.Delim('{'):
			return fmt.Errorf("found %.60q, %w", fmt.Sprint(token), errNotObject)
		}
		if err := j.object(false); err != nil {
			return err
		}
	}
}

// object reads the rest of an object whose brace has been read and yields it
// as a row, or if it stands at the top and has a "data" array the rows of that.
func (j *jsonReader) object(top bool) error {
	r := row{line: j.in.lineAt(j.dec.InputOffset())}
	wrapper := false
	for {
		key, err := j.token()
		if err != nil {
			return err
		}
		if key == json.Delim('}') {
			break
		}
		value, err := j.token()
		if err != nil {
			return err
		}
		if top && key == "data" && value == json.Delim('[') {
			wrapper = true
			if err := j.array(); err != nil {
				return err
			}
			continue
		}
		c, err := j.cell(value)
		if err != nil {
			return err
		}
		if len(r.names) == maxColumns {
			return errManyColumns
		}
		r.names, r.cells = append(r.names, key.(string)), append(r.cells, c)
	}
	j.in.start = j.dec.InputOffset()
	if !wrapper && !j.yield(r, nil) {
		return errStopped
	}
	return nil
}

// cell is the value that begins with a token.
func (j *jsonReader) cell(token json.Token) (cell, error) {
	switch v := token.(type) {
	case string:
		return cell{v, text}, nil
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return cell{v.String(), float}, nil
		}
		return cell{v.String(), integer}, nil
	case bool:
		if v { // written as Python writes it, whose names predictions get
			return cell{"True", boolean}, nil
		}
		return cell{"False", boolean}, nil
	case json.Delim:
		for depth := 1; depth > 0; {
			token, err := j.token()
			if err != nil {
				return cell{}, err
			}
			switch token {
			case json.Delim('{'), json.Delim('['):
				depth++
			case json.Delim('}'), json.Delim(']'):
				depth--
			}
		}
		return cell{"a nested value", nested}, nil
	default:
		return cell{"null", null}, nil
	}
}
