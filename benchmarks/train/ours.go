//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/kernels"
)

// stepsCommand is the first argument that makes this program train by this
// project as train.py does by PyTorch:
//
//	train steps MODE LAYERS HIDDEN HEADS INTERMEDIATE THREADS
const stepsCommand = "steps"

// answerSteps prints the instruction set in use, then answers every line.
func answerSteps(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 6 {
		return fmt.Errorf("%s: found %d arguments, want MODE LAYERS HIDDEN HEADS INTERMEDIATE THREADS", stepsCommand, len(args))
	}
	m, err := findMode(args[0])
	if err != nil {
		return err
	}
	var shape [5]int
	for i := range shape {
		var err error
		if shape[i], err = strconv.Atoi(args[i+1]); err != nil {
			return err
		}
	}
	c := bert.DefaultConfig()
	c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize = shape[0], shape[1], shape[2], shape[3]
	if err := c.Validate(); err != nil {
		return err
	}
	runtime.GOMAXPROCS(shape[4])
	t := newTraining(c)
	t.tape.BF16, t.model.GradientCheckpointing = m.bf16, m.checkpointing
	fmt.Fprintln(out, kernels.Selected(m.product).ISA)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var batch []int
		for word := range strings.FieldsSeq(lines.Text()) {
			length, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			batch = append(batch, length)
		}
		t.fill(batch)
		begun := time.Now()
		loss := t.step()
		fmt.Fprintf(out, "%.9f %g\n", time.Since(begun).Seconds(), loss)
	}
	return lines.Err()
}

// training is a model in training, as jpqd.Trainer has it.
type training struct {
	model     *bert.Model
	optimizer *autograd.AdamW
	tape      *autograd.Tape
	batch     bert.Batch
	labels    []int32
	steps     uint64
}

func newTraining(c bert.Config) *training {
	t := &training{model: bert.New(c, 1), tape: autograd.NewTape()}
	decay, plain := autograd.Group{WeightDecay: 0.01}, autograd.Group{}
	for _, p := range t.model.Parameters() {
		if len(p.Shape) == 2 {
			decay.Params = append(decay.Params, p)
		} else {
			plain.Params = append(plain.Params, p)
		}
	}
	t.optimizer = autograd.NewAdamW([]autograd.Group{decay, plain}, 0.9, 0.999, 1e-8)
	return t
}

// fill makes a batch of sequences of these lengths, the same as train.py's.
func (t *training) fill(lengths []int) {
	t.batch.Reset()
	t.labels = t.labels[:0]
	random := uint32(1)
	for i, n := range lengths {
		ids := make([]int32, n)
		for j := range ids {
			random = random*1664525 + 1013904223
			ids[j] = int32(random / 65536 % 30000)
		}
		t.batch.Append(ids, nil)
		t.labels = append(t.labels, int32(i%t.model.Config.NumLabels()))
	}
}

// step trains on the batch and returns the loss.
func (t *training) step() float32 {
	t.tape.Begin(autograd.Training, 1, t.steps)
	loss := t.tape.CrossEntropy(t.model.Forward(t.tape, &t.batch), t.labels)
	t.tape.Backward(loss, 1)
	t.optimizer.Step(2e-5, autograd.ClipScale(t.optimizer.GradNorm(), 1))
	t.optimizer.ZeroGrad()
	t.steps++
	return loss.Data[0]
}
