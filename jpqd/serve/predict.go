package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"time"
)

// statusClientGone is the answer where the client has closed its side of the
// connection, most often with nobody left to read it.
const statusClientGone = 499

// predict answers POST /predict.
func (s *Server) predict(x *exchange) {
	defer s.inFlight.Add(-1)
	if n := s.inFlight.Add(1); n > int64(s.options.MaxRequests) {
		x.fail(s.overloaded(fmt.Sprintf("%d requests are being answered already", n-1)))
		return
	}
	ctx, cancel := context.WithDeadline(x.r.Context(), x.arrived.Add(s.options.Timeout))
	defer cancel()
	answer, err := s.answer(ctx, x)
	var told *requestError
	switch {
	case err == nil:
		x.predicted = true
		x.writeJSON(http.StatusOK, answer)
	case errors.As(err, &told): // before the rest: an error of the body's connection ends the request's context
		x.fail(told)
	case x.r.Context().Err() != nil:
		x.fail(&requestError{status: statusClientGone, message: "the client closed the connection before the answer"})
	case errors.Is(err, context.DeadlineExceeded):
		x.fail(&requestError{status: http.StatusGatewayTimeout, message: fmt.Sprintf("no answer within %v", s.options.Timeout), retryAfter: s.retryAfter()})
	case errors.Is(err, errFull):
		x.fail(s.overloaded(fmt.Sprintf("the queue has no room for %d more sequences", x.sequences)))
	case errors.Is(err, errClosed):
		x.fail(&requestError{status: http.StatusServiceUnavailable, message: errClosed.Error(), retryAfter: 1})
	default:
		x.fail(&requestError{status: http.StatusInternalServerError, message: "internal error"})
		x.err = err // the log tells more
	}
}

// answer makes the answer of a prediction, to be written as JSON.
func (s *Server) answer(ctx context.Context, x *exchange) (any, error) {
	if waiting, _ := s.queue.waiting(); waiting >= s.options.MaxQueue {
		return nil, s.overloaded("the queue is full") // without reading what will not fit
	}
	body, err := s.readBody(x)
	if err != nil {
		return nil, err
	}
	r, err := s.decode(body)
	if err != nil {
		return nil, err
	}
	var sequences []sequence
	first := []int{0} // sequences of the inputs
	for _, in := range r.inputs {
		sequences = append(sequences, in.sequences()...)
		first = append(first, len(sequences))
	}
	x.inputs, x.sequences = len(r.inputs), len(sequences)
	for _, q := range sequences {
		x.tokens += len(q.ids)
	}
	if len(sequences) > s.options.MaxQueue {
		return nil, tooLarge("inputs", "found %d sequences, want at most %d", len(sequences), s.options.MaxQueue)
	}
	j := newJob(sequences)
	if err := s.run(ctx, j); err != nil {
		return nil, err
	}
	x.wait = j.begun.Sub(j.arrived)
	results := make([]any, len(r.inputs))
	for i, in := range r.inputs {
		if results[i], err = in.result(j.logits[first[i]:first[i+1]], r.topK); err != nil {
			return nil, err
		}
	}
	if r.single {
		return results[0], nil
	}
	return results, nil
}

// readBody reads the body within its limit.
func (s *Server) readBody(x *exchange) ([]byte, error) {
	if e := x.r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, &requestError{status: http.StatusUnsupportedMediaType, message: fmt.Sprintf("Content-Encoding: found %q, want none", short(e))}
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, s.options.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge("", "the body has more than %d bytes", large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &requestError{status: http.StatusRequestTimeout, message: "the body came too slowly"}
	case err != nil:
		return nil, &requestError{status: http.StatusBadRequest, message: fmt.Sprintf("the body ended early: %v", err)}
	}
	return body, nil
}

// overloaded is the answer to what there is no room for.
func (s *Server) overloaded(message string) *requestError {
	return &requestError{status: http.StatusTooManyRequests, message: message + "; try again later", retryAfter: s.retryAfter()}
}

// retryAfter is how many seconds the queue of the moment takes, 1 to 60.
func (s *Server) retryAfter() int {
	_, tokens := s.queue.waiting()
	seconds := math.Ceil(s.metrics.secondsFor(tokens, s.options.Workers))
	return int(min(max(seconds, 1), time.Minute.Seconds()))
}
