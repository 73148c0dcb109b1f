package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// client sends requests and keeps what became of them.
type client struct {
	url     string
	http    *http.Client
	rng     *rand.Rand
	lengths []float64 // tokens of the texts, drawn from these
	words   []string  // one token each

	mu        sync.Mutex
	latencies []time.Duration // of requests answered with 200
	refused   int             // with 429
	failed    int             // anything else
}

func newClient(url string, lengths []float64) *client {
	c := &client{
		url: url, lengths: lengths, rng: rand.New(rand.NewPCG(1, 2)),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}, Timeout: time.Minute},
	}
	for _, token := range tasks.SentimentVocab() {
		if len(token) > 1 && strings.Trim(token, "abcdefghijklmnopqrstuvwxyz") == "" {
			c.words = append(c.words, token)
		}
	}
	return c
}

// body is a request with one text of a length that is drawn.
func (c *client) body() []byte {
	words := make([]string, max(0, int(c.lengths[c.rng.IntN(len(c.lengths))])-2)) // [CLS] and [SEP] are tokens, too
	for i := range words {
		words[i] = c.words[c.rng.IntN(len(c.words))]
	}
	body, err := json.Marshal(map[string]string{"inputs": strings.Join(words, " ")})
	if err != nil {
		panic(err)
	}
	return body
}

// send sends a request that was due at a given time.
func (c *client) send(ctx context.Context, body []byte, due time.Time) {
	status := 0
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/predict", bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
		var answer *http.Response
		if answer, err = c.http.Do(r); err == nil {
			status = answer.StatusCode
			_, err = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
	took := time.Since(due)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && status == http.StatusOK:
		c.latencies = append(c.latencies, took)
	case err == nil && status == http.StatusTooManyRequests:
		c.refused++
	default:
		c.failed++
	}
}

// load sends requests at a rate, in requests a second, and waits for all answers.
func (c *client) load(ctx context.Context, rate float64, length time.Duration) (*result, error) {
	c.latencies, c.refused, c.failed = nil, 0, 0
	before, err := c.batches(ctx)
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	sent := 0
	begun := time.Now()
	for due := begun; due.Sub(begun) < length; due = due.Add(time.Duration(c.rng.ExpFloat64() / rate * float64(time.Second))) {
		body := c.body()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Until(due)):
		}
		sent++
		all.Go(func() { c.send(ctx, body, due) })
	}
	all.Wait()
	took := time.Since(begun)
	after, err := c.batches(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(c.latencies)
	return &result{
		rate: rate, sent: sent, refused: c.refused, failed: c.failed, latencies: c.latencies,
		answered: float64(len(c.latencies)) / took.Seconds(),
		batch:    (after.sequences - before.sequences) / max(1, after.count-before.count),
	}, nil
}

// burst sends n requests at once, stops the server as soon as the first is
// answered, and returns how many answers there were.
func (c *client) burst(ctx context.Context, n int, stop func()) (answered int, err error) {
	c.latencies, c.refused, c.failed = nil, 0, 0
	var all sync.WaitGroup
	var once sync.Once
	for range n {
		body := c.body()
		all.Go(func() {
			c.send(ctx, body, time.Now())
			once.Do(stop)
		})
	}
	all.Wait()
	c.http.CloseIdleConnections() // those without a request keep a stopping server for 5 s
	return len(c.latencies) + c.refused, ctx.Err()
}

// batchCount is how many batches a server has computed, and their sequences.
type batchCount struct{ count, sequences float64 }

// batches reads the server's metrics.
func (c *client) batches(ctx context.Context) (n batchCount, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/metrics", nil)
	if err != nil {
		return n, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return n, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return n, fmt.Errorf("%s/metrics: status %d, error %v", c.url, answer.StatusCode, err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "jpqd_batch_sequences_sum":
			n.sequences, err = strconv.ParseFloat(value, 64)
		case "jpqd_batch_sequences_count":
			n.count, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// result is what became of the requests of a rate.
type result struct {
	rate, answered        float64 // a second
	sent, refused, failed int
	latencies             []time.Duration // rising
	batch                 float64         // sequences, mean
}

// percentile is the least latency that a share p of the requests do not exceed.
func (r *result) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	n := int(p*float64(len(r.latencies)) + 0.999999)
	return r.latencies[min(max(n, 1), len(r.latencies))-1]
}

func printHeader(w io.Writer) {
	fmt.Fprintln(w, "| requests/s | answered/s | sent | 429 | failed | p50 ms | p90 ms | p99 ms | longest ms | sequences a batch |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
}

func (r *result) print(w io.Writer) {
	ms := func(p float64) float64 { return r.percentile(p).Seconds() * 1000 }
	fmt.Fprintf(w, "| %g | %.1f | %d | %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f |\n",
		r.rate, r.answered, r.sent, r.refused, r.failed, ms(0.5), ms(0.9), ms(0.99), ms(1), r.batch)
}
