//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/benchmarks/internal/child"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

// The names of our engines.
const (
	oursFloat        = "f32"
	oursDense        = "int8"
	oursPublished    = "int8, 40 % pruned"
	oursUnstructured = "int8, unstructured"
)

// ortModels are the ways in which ONNX Runtime runs a model of bert_onnx.py. Its
// fusion of residual and normalisation costs an eighth of the speed of 1.30 in
// int8, where nothing else is as slow; a scale for each column of a weight makes
// no difference.
var ortModels = []struct {
	name, model string
	int8        bool
	unwanted    []string // fusions
}{
	{"ORT fp32", "fp32", false, nil},
	{"ORT fp32, fused offline", "fp32_opt", false, nil},
	{"ORT int8", "int8", true, nil},
	{"ORT int8, norms not fused", "int8", true, []string{"SkipLayerNormFusion"}},
	{"ORT int8, fused offline", "int8_opt", true, nil},
}

// engines makes all columns, ours first.
func (o *options) engines(ctx context.Context, counts []int) ([]engine, error) {
	config, err := synthetic.Config("bert-base")
	if err != nil {
		return nil, err
	}
	var all []engine
	for _, m := range []struct {
		name     string
		sparsity synthetic.Sparsity
	}{{oursFloat, ""}, {oursDense, synthetic.None}, {oursPublished, synthetic.Published}, {oursUnstructured, synthetic.Unstructured}} {
		var model *jpqd.Compressed
		if m.sparsity == "" {
			model = synthetic.Float(config, synthetic.None, 1)
		} else {
			model = synthetic.Compressed(config, m.sparsity, 1)
		}
		e, err := int8.New(model)
		if err != nil {
			return nil, err
		}
		all = append(all, engine{m.name, m.sparsity != "", true, &ours{engine: e, batches: map[batchKey]*bert.Batch{}}})
	}
	for _, m := range ortModels {
		r := &ort{children: map[int]*child.Child{}}
		for _, threads := range counts {
			if r.children[threads], err = o.start(ctx, m.model, threads, m.unwanted); err != nil {
				return nil, err
			}
		}
		all = append(all, engine{m.name, m.int8, false, r})
	}
	return all, nil
}

// ours is a model on the engine of this project, in this process.
type ours struct {
	engine    *int8.Engine
	workspace int8.Workspace
	logits    []float32
	batches   map[batchKey]*bert.Batch
}

type batchKey struct {
	load  *load
	batch int
}

func (r *ours) run(threads int, l *load, batch int) (float64, error) {
	runtime.GOMAXPROCS(threads)
	b := r.batches[batchKey{l, batch}]
	if b == nil {
		b = randomBatch(l.batches[batch], r.engine.Config().VocabSize)
		r.batches[batchKey{l, batch}] = b
	}
	if n := r.engine.NumLogits(b); n > cap(r.logits) {
		r.logits = make([]float32, n)
	} else {
		r.logits = r.logits[:n]
	}
	begun := time.Now()
	err := r.engine.Logits(&r.workspace, b, r.logits)
	return time.Since(begun).Seconds(), err
}

// randomBatch has sequences of these lengths.
func randomBatch(lengths []int, words int) *bert.Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	b := &bert.Batch{}
	for _, n := range lengths {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(rng.IntN(words))
		}
		b.Append(ids, nil)
	}
	return b
}

// ort is a model on ONNX Runtime, a child for each number of threads.
type ort struct{ children map[int]*child.Child }

// start starts a child and waits until it has read its model.
func (o *options) start(ctx context.Context, model string, threads int, unwanted []string) (*child.Child, error) {
	args := append([]string{o.library, filepath.Join(o.models, model+".onnx"), strconv.Itoa(threads)}, unwanted...)
	return child.Start(ctx, nil, o.runner, args...)
}

func (r *ort) run(threads int, l *load, batch int) (float64, error) {
	answer, err := r.children[threads].Ask(request(l.batches[batch], l.columns))
	if err != nil {
		return 0, err
	}
	var seconds, logit float64
	if _, err := fmt.Sscan(answer, &seconds, &logit); err != nil {
		return 0, fmt.Errorf("the runner answers %q: %w", answer, err)
	}
	return seconds, nil
}

// request is a batch as the runner reads it: columns, 0 for the longest, and lengths.
func request(lengths []int, columns int) string {
	if columns == 0 {
		for _, n := range lengths {
			columns = max(columns, n)
		}
	}
	var line strings.Builder
	line.WriteString(strconv.Itoa(columns))
	for _, n := range lengths {
		line.WriteString(" " + strconv.Itoa(n))
	}
	line.WriteByte('\n')
	return line.String()
}
