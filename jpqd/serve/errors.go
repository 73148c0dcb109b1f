package serve

import (
	"fmt"
	"net/http"
)

// requestError is an error that a client is told, as {"error", "field"}.
type requestError struct {
	status     int
	field      string // the request's, "" where it is none of them
	message    string
	retryAfter int // seconds; 0: the client should not try again
}

func (e *requestError) Error() string {
	if e.field == "" {
		return e.message
	}
	return e.field + ": " + e.message
}

func invalid(field, format string, args ...any) error {
	return &requestError{status: http.StatusBadRequest, field: field, message: fmt.Sprintf(format, args...)}
}

func tooLarge(field, format string, args ...any) error {
	return &requestError{status: http.StatusRequestEntityTooLarge, field: field, message: fmt.Sprintf(format, args...)}
}

// errorBody is the JSON of an error. "error" is a text, as Hugging Face's clients
// expect.
type errorBody struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}
