package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// Model is what a server answers with.
type Model struct {
	Name      string // for people
	Engine    *int8.Engine
	Tokenizer *tokenizer.Tokenizer
}

// Server answers requests, as an [http.Handler] or by [Server.Serve]. Its workers
// run from New to Close.
type Server struct {
	name    string
	config  bert.Config
	options Options
	engine  engine
	head    head
	log     *slog.Logger

	queue    *queue
	metrics  *metrics
	workers  sync.WaitGroup
	inFlight atomic.Int64 // predictions
	stopping atomic.Bool
	openAPI  []byte
	about    about // for the page
}

// New returns a server whose workers have begun. The error names the option that
// is wrong, by its flag, or what of the model does not fit.
func New(m Model, o Options) (*Server, error) {
	if m.Engine == nil || m.Tokenizer == nil {
		return nil, errors.New("serve: found a model without engine or tokenizer, want both")
	}
	return newServer(m.Name, m.Engine.Config(), m.Tokenizer, m.Engine, o)
}

func newServer(name string, config bert.Config, tok *tokenizer.Tokenizer, e engine, o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if tok.VocabSize() > config.VocabSize {
		return nil, fmt.Errorf("serve: the tokenizer has %d tokens, the model only vocab_size = %d", tok.VocabSize(), config.VocabSize)
	}
	s := &Server{name: name, config: config, engine: e, log: o.Log, metrics: newMetrics()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.MaxInputs > o.MaxQueue { // an input has a sequence, at least
		return nil, fmt.Errorf("--max_queue: found %d, want at least the --max_inputs of %d", o.MaxQueue, o.MaxInputs)
	}
	longest := config.MaxLength()
	if n := tok.Config().ModelMaxLength; n > 0 {
		longest = min(longest, n)
	}
	if config.QuestionAnswering() {
		if o.MaxSeqLength == 0 {
			o.MaxSeqLength = min(longest, o.MaxBatchTokens, o.Questions.MaxSeqLength)
		}
		if err := o.fit(longest, leastQuestion); err != nil {
			return nil, err
		}
		o.Questions.MaxSeqLength = o.MaxSeqLength
		if err := o.Questions.Validate(); err != nil {
			return nil, err
		}
		s.head = &answerer{tok, o.Questions, o.MaxQueue}
	} else {
		if err := o.fit(longest, leastText); err != nil {
			return nil, err
		}
		s.head = &classifier{tok, config.Labels, regression(&config), o.MaxSeqLength, o.Truncation}
	}
	s.options, s.queue = o, newQueue(&o)
	if err := s.makePages(); err != nil {
		return nil, err
	}
	for range o.Workers {
		w := &worker{Server: s, workspace: new(int8.Workspace)}
		s.workers.Go(w.work)
	}
	return s, nil
}

// Options are the options in effect: MaxSeqLength is the model's where it was 0.
func (s *Server) Options() Options { return s.options }

// Close answers what is in the queue and ends the workers. Predictions that come
// later are refused with 503.
func (s *Server) Close() {
	s.stopping.Store(true)
	s.queue.close()
	s.workers.Wait()
}

// run takes a job through the queue, until it is done or ctx is.
func (s *Server) run(ctx context.Context, j *job) error {
	if err := s.queue.push(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		s.queue.drop(j)
		return ctx.Err()
	}
}
