package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/serve"
)

// serveOptions are the flags of `jpqd serve`.
type serveOptions struct {
	serve.Options
	Addr      string
	LogFormat string     // "text" or "json"
	hub       RunOptions // where the model comes from
}

func newServeCommand(c *console) *cobra.Command {
	o := &serveOptions{Options: serve.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "serve MODEL",
		Short: "Answer classification and question answering requests over HTTP",
		Long: `Answer requests over HTTP with a trained model, on the engine of bytes where the
model has quantizers: POST /predict takes {"inputs": "text"}, an array of texts,
pairs {"text", "text_pair"}, or {"question", "context"}, with {"parameters":
{"top_k": n}} if need be. The page at / and /openapi.json tell the rest; /healthz,
/readyz and /metrics are for the machines around it.

What clients send at about the same time is computed together; --max_batch_delay
makes more of it come together, at the price of that much latency. A full queue is
answered with 429. Ctrl-C or SIGTERM stops the server: it answers what it has,
then ends with status 0; a second signal ends it at once. There is no password
and no TLS: to other machines than this one, show it behind a proxy.

MODEL is the folder of a run, one with a model in float32, a
compressed.safetensors or an OpenVINO IR.`,
		Example: `  jpqd serve jpqd-sst2 --addr :8080
  curl -d '{"inputs": "a gripping , funny film"}' localhost:8080/predict
  curl -d '{"inputs": ["good", "bad"], "parameters": {"top_k": 1}}' localhost:8080/predict`,
		Args: oneModel,
		RunE: func(cmd *cobra.Command, args []string) error { return runServe(cmd.Context(), c, o, args[0]) },
	}
	registerServeFlags(cmd.Flags(), o)
	return cmd
}

func registerServeFlags(f *pflag.FlagSet, o *serveOptions) {
	registerNames(f)
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; without host: on all addresses of the machine")
	f.IntVar(&o.MaxSeqLength, "max_seq_length", o.MaxSeqLength, "longest sequence in `tokens`; 0: the model's longest, at most 384 for questions")
	f.StringVar((*string)(&o.Truncation), "truncation", string(o.Truncation), "what becomes of longer texts: truncate or refuse")
	f.IntVar(&o.MaxBatchTokens, "max_batch_tokens", o.MaxBatchTokens, "most `tokens` to compute together")
	f.DurationVar(&o.MaxBatchDelay, "max_batch_delay", o.MaxBatchDelay, "how long a request waits for others to be computed with")
	f.IntVar(&o.Workers, "workers", o.Workers, "batches to compute at a time; each uses all processors")
	f.IntVar(&o.MaxQueue, "max_queue", o.MaxQueue, "most `sequences` that wait; beyond, requests are answered with 429")
	f.IntVar(&o.MaxRequests, "max_requests", o.MaxRequests, "most predictions at a time, waiting or being read; beyond, 429")
	f.IntVar(&o.MaxInputs, "max_inputs", o.MaxInputs, "most inputs of a request")
	f.Int64Var(&o.MaxBody, "max_body", o.MaxBody, "most `bytes` of a request")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "time that a request has, waiting included; beyond, 504")
	f.DurationVar(&o.StopDelay, "stop_delay", o.StopDelay, "how long a stopping server still takes requests, with /readyz at 503")
	f.DurationVar(&o.StopTimeout, "stop_timeout", o.StopTimeout, "how long it then takes to answer those it has")
	registerSQuADFlags(f, &o.Questions)
	f.StringVar(&o.LogFormat, "log_format", "text", "lines of the log, one a request: text or json")
	registerHubFlags(f, &o.hub)
}

func runServe(ctx context.Context, c *console, o *serveOptions, name string) error {
	switch o.LogFormat {
	case "text":
	case "json":
		c.log = slog.New(slog.NewJSONHandler(c.err, nil))
	default:
		return usageErrorf("--log_format: found %q, want text or json", o.LogFormat)
	}
	o.Log = c.log
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	model, err := loadServed(ctx, c, o, name)
	if err != nil {
		return err
	}
	server, err := serve.New(*model, o.Options)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		server.Close()
		return fmt.Errorf("--addr: %w", err)
	}
	settled := server.Options()
	o.Log.Info("serving", slog.String("model", name), slog.String("url", urlOf(l.Addr())), slog.Int("max_seq_length", settled.MaxSeqLength),
		slog.Int("max_batch_tokens", settled.MaxBatchTokens), slog.Int("workers", settled.Workers))
	err = server.Serve(ctx, l)
	o.Log.Info("stopped")
	return err
}

// urlOf is the address as a browser on this machine takes it.
func urlOf(addr net.Addr) string {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return "http://" + host + "/"
}

// loadServed reads a model and makes it ready.
func loadServed(ctx context.Context, c *console, o *serveOptions, name string) (*serve.Model, error) {
	found, err := findTrained(ctx, c, name, o.hub.CacheDir, o.hub.ModelRevision)
	if err != nil {
		return nil, err
	}
	compressed, err := found.compressed()
	if err != nil {
		return nil, err
	}
	r := newTrainingRun(c, "serve", &o.hub, nil)
	if err := r.loadTokenizer(ctx, name, found.dir, &compressed.Config); err != nil {
		return nil, err
	}
	engine, err := int8.New(compressed)
	if err != nil {
		return nil, err
	}
	return &serve.Model{Name: name, Engine: engine, Tokenizer: r.tok}, nil
}
