// Package golden holds a short training by PyTorch, for tests to repeat;
// training.py made the files and says what they hold.
package golden

import (
	_ "embed"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// Training is what went in and what came out.
type Training struct {
	Config       json.RawMessage // as config.json
	LearningRate float64         `json:"learning_rate"`
	WarmupSteps  int             `json:"warmup_steps"` // the learning rate falls to 0 behind them
	WeightDecay  float64         `json:"weight_decay"` // not of biases and normalisations
	MaxGradNorm  float64         `json:"max_grad_norm"`
	Batches      [][]Sequence    // of each step
	Float32      Result          // as PyTorch trains
	Float64      Result          // the truth
}

// Sequence is one example.
type Sequence struct {
	IDs, Types []int32
	Label      int32
}

// Result is what came out: of every step the loss, the logits of each sequence
// and the gradient's norm before clipping, and the norms after the last.
type Result struct {
	Loss           []float64
	Logits         [][][]float64
	GradientNorm   []float64          `json:"gradient_norm"`
	ParameterNorms map[string]float64 `json:"parameter_norms"`
}

//go:embed training.json
var trainingJSON []byte

//go:embed training.safetensors
var trainingGradients []byte

// ReadTraining returns the training.
func ReadTraining(t testing.TB) *Training {
	t.Helper()
	g := &Training{}
	if err := json.Unmarshal(trainingJSON, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// Gradients are those of the first step, in float64 rounded to float32.
func (g *Training) Gradients(t testing.TB) *checkpoint.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "training.safetensors")
	if err := os.WriteFile(path, trainingGradients, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// SetWeights gives the parameters of a model, all in transformers' order, the
// values with which the training began.
func (g *Training) SetWeights(params []*autograd.Param) {
	x := uint32(1)
	for _, p := range params {
		base := float32(0)
		if strings.HasSuffix(p.Name, "LayerNorm.weight") {
			base = 1
		}
		for i := range p.Data {
			x = 1664525*x + 1013904223
			p.Data[i] = base + float32(int32(x>>8)-1<<23)/(1<<26)
		}
	}
}

// CheckNorms compares the norms of parameters after the last step. A key's bias
// moves no logit: its gradient is noise, of which AdamW makes steps.
func (g *Training) CheckNorms(t testing.TB, params []*autograd.Param) {
	t.Helper()
	if found := len(g.Float64.ParameterNorms); found != len(params) {
		t.Errorf("golden norms of %d parameters, want %d", found, len(params))
	}
	for _, p := range params {
		sum := 0.0
		for _, x := range p.Data {
			sum += float64(x) * float64(x)
		}
		tolerance := 1e-5
		if strings.HasSuffix(p.Name, "key.bias") {
			tolerance = 1e-3
		}
		if got, want := math.Sqrt(sum), g.Float64.ParameterNorms[p.Name]; !(math.Abs(got-want) <= tolerance*want) {
			t.Errorf("%s: norm %.9g, PyTorch %.9g", p.Name, got, want)
		}
	}
}
