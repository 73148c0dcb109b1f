package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxJSONBytes bounds a JSON file; the log of a million steps fits.
const maxJSONBytes = 1 << 30

// ReadJSON reads one JSON value from path into v. Errors name the path and,
// where it is known, the line and the byte offset.
func ReadJSON(path string, v any) error {
	r, size, err := openRegular(path)
	if err != nil {
		return err
	}
	defer r.Close()
	if size > maxJSONBytes {
		return fmt.Errorf("%s: found %d bytes, want at most %d", path, size, maxJSONBytes)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return fmt.Errorf("%s: %w", path, noEOF(err))
	}
	if err := json.Unmarshal(data, v); err != nil {
		if offset, ok := errorOffset(err); ok {
			line := 1 + bytes.Count(data[:min(offset, size)], []byte{'\n'})
			return fmt.Errorf("%s:%d: byte %d: %w", path, line, offset, err)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// errorOffset returns the number of bytes read before a JSON error.
func errorOffset(err error) (int64, bool) {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Offset, true
	}
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		return typed.Offset, true
	}
	return 0, false
}

// WriteJSON writes v as Hugging Face writes configurations: indented by two
// spaces, with a newline at the end. It replaces path atomically.
func WriteJSON(path string, v any) error {
	return replaceFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	})
}
