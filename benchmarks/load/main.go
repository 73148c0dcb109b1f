// Command load sends predictions to a server at several rates and prints the
// percentiles of their latency, then stops the server and counts what is lost.
//
//	go run ./benchmarks/load                       jpqd serve with BERT-base, random weights, on loopback
//	go run ./benchmarks/load -rates 50,100 -tokens 128
//	go run ./benchmarks/load -url http://host:8080 a server that runs already; it is not stopped
//
// Requests come at random times (a Poisson process) whether earlier ones are
// answered or not, and latency counts from the time at which a request was due:
// a server that is too slow cannot make its clients ask less. Each is one text.
// Client and server share the processors of this machine unless -url names
// another.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/serve"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// options are the flags.
type options struct {
	url, config, sparsity, lengths, rates string
	tokens, burst                         int
	seconds                               float64
	float                                 bool
	server                                serve.Options
}

func main() {
	o := options{server: serve.DefaultOptions()}
	flag.StringVar(&o.url, "url", "", "`address` of a server to measure; without it, one is started")
	flag.StringVar(&o.config, "config", "bert-base", "`shape` of the model: "+strings.Join(synthetic.Configs(), ", "))
	flag.StringVar(&o.sparsity, "sparsity", string(synthetic.Published), "what pruning has left: "+strings.Join(synthetic.Sparsities(), ", "))
	flag.BoolVar(&o.float, "float", false, "float32 without quantizers")
	flag.StringVar(&o.rates, "rates", "50,100,200,300,400,800", "requests a second, `numbers` with commas")
	flag.Float64Var(&o.seconds, "seconds", 5, "`time` of each rate")
	flag.IntVar(&o.tokens, "tokens", 0, "tokens of a text; 0: lengths drawn from -lengths")
	flag.StringVar(&o.lengths, "lengths", "benchmarks/sst2-dev-lengths.txt", "`file` of the lengths of sentences")
	flag.IntVar(&o.burst, "burst", 256, "requests to send at once before the server is stopped")
	flag.IntVar(&o.server.MaxBatchTokens, "max_batch_tokens", o.server.MaxBatchTokens, "as of jpqd serve")
	flag.DurationVar(&o.server.MaxBatchDelay, "max_batch_delay", o.server.MaxBatchDelay, "as of jpqd serve")
	flag.IntVar(&o.server.Workers, "workers", o.server.Workers, "as of jpqd serve")
	flag.IntVar(&o.server.MaxQueue, "max_queue", o.server.MaxQueue, "as of jpqd serve")
	flag.IntVar(&o.server.MaxRequests, "max_requests", o.server.MaxRequests, "as of jpqd serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run measures every rate, then the stop.
func (o *options) run(ctx context.Context, out io.Writer) error {
	rates, err := numbers(o.rates)
	if err != nil {
		return fmt.Errorf("-rates: %w", err)
	}
	lengths := []float64{float64(o.tokens)}
	if o.tokens == 0 {
		text, err := os.ReadFile(o.lengths)
		if err != nil {
			return fmt.Errorf("-lengths: %w", err)
		}
		if lengths, err = numbers(strings.Join(strings.Fields(string(text)), ",")); err != nil {
			return fmt.Errorf("-lengths: %w", err)
		}
	}
	s := &server{url: strings.TrimSuffix(o.url, "/")}
	if o.url == "" {
		if s, err = o.start(ctx); err != nil {
			return err
		}
	}
	c := newClient(s.url, lengths)
	if _, err := c.load(ctx, 50, time.Second); err != nil { // memory grows, caches fill
		return err
	}
	printHeader(out)
	for _, rate := range rates {
		r, err := c.load(ctx, rate, time.Duration(o.seconds*float64(time.Second)))
		if err != nil {
			return err
		}
		r.print(out)
	}
	if o.url != "" {
		return nil
	}
	answered, err := c.burst(ctx, o.burst, s.stop)
	if err := errors.Join(err, <-s.stopped); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nStopped with %d requests on their way: %d answered, %d lost.\n", o.burst, answered, o.burst-answered)
	if answered < o.burst {
		return errors.New("the stop lost requests")
	}
	return nil
}

// numbers reads positive numbers between commas.
func numbers(text string) ([]float64, error) {
	var all []float64
	for word := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("found %q, want a number above 0", word)
		}
		all = append(all, v)
	}
	return all, nil
}

// server is the one that is measured.
type server struct {
	url     string
	stop    context.CancelFunc
	stopped chan error
}

// start serves a model of random weights on loopback.
func (o *options) start(ctx context.Context) (*server, error) {
	config, err := synthetic.Config(o.config)
	if err != nil {
		return nil, fmt.Errorf("-config: %w", err)
	}
	sparsity, err := synthetic.ParseSparsity(o.sparsity)
	if err != nil {
		return nil, fmt.Errorf("-sparsity: %w", err)
	}
	if o.float {
		return o.serve(ctx, synthetic.Float(config, sparsity, 1))
	}
	return o.serve(ctx, synthetic.Compressed(config, sparsity, 1))
}

func (o *options) serve(ctx context.Context, c *jpqd.Compressed) (*server, error) {
	engine, err := int8.New(c)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	if err != nil {
		return nil, err
	}
	s, err := serve.New(serve.Model{Name: o.config, Engine: engine, Tokenizer: tok}, o.server)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Close()
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	running := &server{"http://" + l.Addr().String(), stop, make(chan error, 1)}
	go func() { running.stopped <- s.Serve(ctx, l) }()
	return running, nil
}
