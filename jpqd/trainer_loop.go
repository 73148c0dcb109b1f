package jpqd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-jpqd/jpqd/autograd"
)

// run is one call of Train: everything that changes from step to step.
type run struct {
	*Trainer
	state       trainerState
	optimizer   *autograd.AdamW
	passes      passes
	batches     int // micro-batches an epoch
	epochs      int // epochs begun in all, the last one perhaps cut short
	warmupSteps int
	started     time.Time
	first       int  // optimizer steps done before this call
	sequences   int  // processed in this call
	tokens      int  // and theirs
	warned      bool // of a warm-up that cannot prune
	measured    bool // the memory of a step was logged
}

// Train runs the training loop. resume is a checkpoint folder written by an
// earlier run with the same arguments, or "" to start afresh; a resumed run
// ends bit for bit as an uninterrupted one. When ctx ends, training stops after
// the current step, writes a checkpoint and returns an error that wraps
// [ErrInterrupted]. Movement sparsity goes through its schedule once: a second
// run wants a new Trainer.
func (t *Trainer) Train(ctx context.Context, resume string) (TrainResult, error) {
	if err := t.check(); err != nil {
		return TrainResult{}, err
	}
	if len(t.TrainData) == 0 {
		return TrainResult{}, errors.New("training needs examples: found none")
	}
	if t.Args.LoadBestModelAtEnd && len(t.EvalData) == 0 {
		return TrainResult{}, errors.New("--load_best_model_at_end: found no evaluation data, want some to tell which is best")
	}
	r := &run{Trainer: t}
	r.plan()
	if err := r.begin(ctx, resume); err != nil {
		return TrainResult{}, err
	}
	r.warnOfWarmup()
	r.started, r.first = time.Now(), r.state.GlobalStep
	if err := r.loop(ctx); err != nil {
		return TrainResult{}, err
	}
	return r.finish()
}

// plan counts steps as Hugging Face's Trainer does.
func (r *run) plan() {
	a := &r.Args
	r.batches = (len(r.TrainData) + a.PerDeviceTrainBatchSize - 1) / a.PerDeviceTrainBatchSize
	updates := max(r.batches/a.GradientAccumulationSteps, 1)
	s := &r.state
	if a.MaxSteps > 0 {
		s.MaxSteps = a.MaxSteps
		r.epochs = (a.MaxSteps + updates - 1) / updates
	} else {
		s.MaxSteps = int(math.Ceil(a.NumTrainEpochs * float64(updates)))
		r.epochs = int(math.Ceil(a.NumTrainEpochs))
	}
	r.warmupSteps = a.WarmupSteps
	if r.warmupSteps == 0 {
		r.warmupSteps = int(math.Ceil(a.WarmupRatio * float64(s.MaxSteps)))
	}
	s.NumTrainEpochs, s.TrainBatchSize = r.epochs, a.PerDeviceTrainBatchSize
	s.LoggingSteps, s.EvalSteps, s.SaveSteps = a.LoggingSteps, a.evalSteps(), a.SaveSteps
	s.EpochIndex = -1
}

// begin attaches the compression, initialises its ranges or restores a
// checkpoint, and makes the optimizer.
func (r *run) begin(ctx context.Context, resume string) error {
	if err := r.attach(); err != nil {
		return err
	}
	if c := r.compression; c != nil && c.schedule != nil && c.schedule.CurrentEpoch >= 0 {
		return errors.New("movement_sparsity: found a model that was pruned before, want a new Trainer for another run")
	}
	if err := r.checkOutput(); err != nil {
		return err
	}
	r.state.Examples, r.state.Data, r.state.TeacherSum = len(r.TrainData), dataSum(r.TrainData), modelSum(r.Teacher)
	r.state.Masking = r.Masking.String()
	if resume != "" {
		if err := r.restoreModel(resume); err != nil {
			return fmt.Errorf("resuming: %w", err)
		}
	} else if c := r.compression; c != nil && !c.ranged {
		if err := c.initRanges(ctx, r.shuffled(0), r.Args.PerDeviceTrainBatchSize); err != nil {
			return err
		}
	}
	if r.passes.taught = nil; r.Args.CacheTeacherLogits && r.Teacher != nil {
		r.passes.taught = teacherCache{}
	}
	r.Model.GradientCheckpointing = r.Args.GradientCheckpointing
	r.makeOptimizer()
	if resume != "" {
		if err := r.restoreOptimizer(resume); err != nil {
			return fmt.Errorf("resuming: %w", err)
		}
	}
	return nil
}

// makeOptimizer groups the parameters as Hugging Face does: no weight decay for
// biases and normalisations.
func (r *run) makeOptimizer() {
	a := &r.Args
	decay, plain := autograd.Group{WeightDecay: a.WeightDecay}, autograd.Group{}
	for _, p := range r.Model.Parameters() {
		if len(p.Shape) == 2 {
			decay.Params = append(decay.Params, p)
		} else {
			plain.Params = append(plain.Params, p)
		}
	}
	groups := []autograd.Group{decay, plain}
	if r.compression != nil {
		groups = append(groups, r.compression.paramGroups(a.WeightDecay)...)
	}
	r.optimizer = autograd.NewAdamW(groups, a.AdamBeta1, a.AdamBeta2, a.AdamEpsilon)
	r.optimizer.ZeroGrad() // an earlier run may have failed within an accumulation group
}

// shuffled is the training data in the order of an epoch, a function of the
// seed and the epoch alone.
func (r *run) shuffled(epoch int) []Example {
	rng := rand.New(rand.NewPCG(r.Args.Seed, uint64(epoch)))
	order := rng.Perm(len(r.TrainData))
	if r.Args.GroupByLength {
		groupByLength(order, r.TrainData, r.Args.PerDeviceTrainBatchSize)
	}
	shuffled := make([]Example, len(order))
	for i, j := range order {
		shuffled[i] = r.TrainData[j]
	}
	return shuffled
}

// loop runs epochs until the last step is done. It may begin anywhere: with
// what a checkpoint says is left to do after a step or an epoch.
func (r *run) loop(ctx context.Context) error {
	s := &r.state
	if s.GlobalStep > 0 {
		if err := r.duties(ctx); err != nil {
			return err
		}
	}
	for {
		if s.EpochIndex < 0 || s.EpochEnded {
			if s.GlobalStep >= s.MaxSteps {
				return nil
			}
			if err := r.nextEpoch(); err != nil {
				return err
			}
			if err := r.stageQuantizers(ctx); err != nil {
				return err
			}
		}
		data := r.shuffled(s.EpochIndex)
		for s.BatchInEpoch < r.batches && s.GlobalStep < s.MaxSteps {
			at := s.BatchInEpoch * r.Args.PerDeviceTrainBatchSize
			stepped, err := r.microStep(data[at:min(len(data), at+r.Args.PerDeviceTrainBatchSize)])
			if err != nil {
				return err
			}
			if stepped {
				if err := r.afterStep(ctx); err != nil {
					return err
				}
			}
		}
		if err := r.endEpoch(ctx); err != nil {
			return err
		}
	}
}

// groupByLength sorts an order of examples as transformers' LengthGroupedSampler
// does: within stretches of 50 batches, or a quarter of all where that is less,
// the longest first; the longest of all comes first.
func groupByLength(order []int, examples []Example, batch int) {
	stretch := batch * max(1, min(len(order)/(4*batch), 50))
	longest := 0 // the stretch that begins with the longest example
	for at := 0; at < len(order); at += stretch {
		part := order[at:min(at+stretch, len(order))]
		slices.SortStableFunc(part, func(a, b int) int { return len(examples[b].IDs) - len(examples[a].IDs) })
		if len(examples[part[0]].IDs) > len(examples[order[longest]].IDs) {
			longest = at
		}
	}
	if len(order) > 0 {
		order[0], order[longest] = order[longest], order[0]
	}
}

func (r *run) nextEpoch() error {
	r.state.EpochIndex++
	r.state.BatchInEpoch, r.state.EpochEnded = 0, false
	c := r.compression
	if c == nil || c.schedule == nil {
		return nil
	}
	if err := c.schedule.epochStep(); err != nil {
		return err
	}
	st := c.statistics()
	// Before warm-up no layer is pruned, and after it they stay as they were logged.
	st.log(r.log().With("epoch", r.state.EpochIndex), st.Stage == InWarmup)
	return nil
}

// microStep runs one micro-batch forward and backward, and at the end of an
// accumulation group updates the parameters; stepped says that it did.
func (r *run) microStep(examples []Example) (stepped bool, err error) {
	s, a := &r.state, &r.Args
	if r.compression != nil && s.BatchInEpoch%a.GradientAccumulationSteps == 0 {
		if e := r.compression.beginStep(); e != nil {
			r.entered(*e)
		}
	}
	r.passes.epoch = s.EpochIndex + 1
	l, err := r.forward(&r.passes, examples, autograd.Training, uint64(s.Batches))
	if err != nil {
		return false, err
	}
	loss := float64(l.total.Data[0])
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return false, fmt.Errorf("step %d: the loss is %v, want a finite number; checkpoints written before are kept (try a lower --learning_rate)", s.GlobalStep, loss)
	}
	r.passes.student.Backward(l.total, 1/float32(a.GradientAccumulationSteps))
	r.logMemory()
	r.sequences += len(examples)
	r.tokens += r.passes.batch.Rows()
	s.Batches++
	s.BatchInEpoch++
	s.StepLoss += loss / float64(a.GradientAccumulationSteps)
	s.last = lastLosses{task: scalar(l.task), distillation: scalar(l.distillation), compression: scalar(l.compression)}
	short := r.batches <= a.GradientAccumulationSteps && s.BatchInEpoch == r.batches
	if s.Batches%a.GradientAccumulationSteps != 0 && !short {
		s.Pending = true
		return false, nil
	}
	return true, r.update()
}

// scalar is the value of a term of the loss; 0 where there is none.
func scalar(x *autograd.Tensor) float64 {
	if x == nil {
		return 0
	}
	return float64(x.Data[0])
}

// logMemory tells, after the first step of a run, what it took, and what the
// largest batch that the data allow will take: memory grows with tokens.
func (r *run) logMemory() {
	if r.measured {
		return
	}
	r.measured = true
	lengths := make([]int, len(r.TrainData))
	for i := range lengths {
		lengths[i] = len(r.TrainData[i].IDs)
	}
	slices.Sort(lengths)
	tokens := 0
	for _, n := range lengths[max(0, len(lengths)-r.Args.PerDeviceTrainBatchSize):] {
		tokens += n
	}
	parameters := 0 // floats of values, moments and gradients
	for _, p := range r.Model.Parameters() {
		parameters += 3 * len(p.Data)
		if !p.ByRows {
			parameters += len(p.Data)
		}
	}
	step := float64(r.passes.student.Bytes()+r.passes.teacher.Bytes()) / (1 << 20)
	r.Log.Info("memory in MiB", slog.Int("parameters, gradients, moments", 4*parameters>>20),
		slog.Int("first step", int(math.Ceil(step))), slog.Int("largest batch", int(math.Ceil(step*float64(tokens)/float64(max(1, r.passes.batch.Rows()))))))
}

// update is one optimizer step.
func (r *run) update() error {
	s := &r.state
	norm := r.optimizer.GradNorm()
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return fmt.Errorf("step %d: the gradient's norm is %v, want a finite number; checkpoints written before are kept (try a lower --learning_rate)", s.GlobalStep, norm)
	}
	r.optimizer.Step(r.learningRate(), autograd.ClipScale(norm, r.Args.MaxGradNorm))
	r.optimizer.ZeroGrad()
	s.Pending = false
	s.GlobalStep++
	s.LossSinceLog += s.StepLoss
	s.LossTotal += s.StepLoss
	s.stepLoss, s.StepLoss = s.StepLoss, 0
	s.Epoch = float64(s.EpochIndex) + float64(s.BatchInEpoch)/float64(r.batches)
	return nil
}

// learningRate is that of the next optimizer step.
func (r *run) learningRate() float64 { return r.learningRateAt(r.state.GlobalStep) }

func (r *run) learningRateAt(step int) float64 {
	switch r.Args.LRSchedulerType {
	case "constant":
		return r.Args.LearningRate
	case "constant_with_warmup":
		return r.Args.LearningRate * autograd.ConstantSchedule(step, r.warmupSteps)
	}
	return r.Args.LearningRate * autograd.LinearSchedule(step, r.warmupSteps, r.state.MaxSteps)
}

// afterStep reports and logs, then does the step's duties.
func (r *run) afterStep(ctx context.Context) error {
	s := &r.state
	if r.OnStep != nil {
		p := Progress{Step: s.GlobalStep, MaxSteps: s.MaxSteps, Epoch: s.Epoch, Loss: s.stepLoss, Sequences: r.sequences, Tokens: r.tokens}
		if c := r.compression; c != nil && c.schedule != nil {
			p.Stage = c.schedule.stage().String()
		}
		r.OnStep(p)
	}
	if s.GlobalStep%r.Args.LoggingSteps == 0 {
		r.logLosses()
	}
	return r.duties(ctx)
}

// duties evaluates and saves if it is time to and has not been done for this
// step, and stops if ctx has ended.
func (r *run) duties(ctx context.Context) error {
	s, a := &r.state, &r.Args
	if a.EvaluationStrategy == Steps && s.GlobalStep%a.evalSteps() == 0 && s.EvaluatedStep != s.GlobalStep {
		if err := r.evaluate(ctx); err != nil {
			return err
		}
		s.EvaluatedStep = s.GlobalStep
	}
	if a.SaveStrategy == Steps && s.GlobalStep%a.SaveSteps == 0 && s.SavedStep != s.GlobalStep {
		s.SavedStep = s.GlobalStep
		r.keepBest()
		if err := r.saveCheckpoint(); err != nil {
			return err
		}
	}
	return r.interrupted(ctx)
}

// interrupted saves a checkpoint and returns an error if ctx has ended.
func (r *run) interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if err := r.saveCheckpoint(); err != nil {
		return fmt.Errorf("%w after step %d, and no checkpoint could be written: %w", ErrInterrupted, r.state.GlobalStep, err)
	}
	return fmt.Errorf("%w after step %d of %d: %w", ErrInterrupted, r.state.GlobalStep, r.state.MaxSteps, context.Cause(ctx))
}

// endEpoch evaluates and saves at the end of an epoch, also of one that the
// last step cuts short.
func (r *run) endEpoch(ctx context.Context) error {
	if r.Args.EvaluationStrategy == Epoch {
		if err := r.evaluate(ctx); err != nil {
			return err
		}
	}
	r.state.EpochEnded = true
	if r.Args.SaveStrategy == Epoch {
		r.keepBest()
		return r.saveCheckpoint()
	}
	return nil
}

// finish logs the end, loads the best model if asked, and sums up.
func (r *run) finish() (TrainResult, error) {
	s := &r.state
	seconds := time.Since(r.started).Seconds()
	result := TrainResult{GlobalStep: s.GlobalStep, Metrics: map[string]float64{
		"train_loss": s.LossTotal / float64(max(1, s.GlobalStep)), "train_runtime": seconds,
		"train_samples_per_second": float64(r.sequences) / seconds,
		"train_steps_per_second":   float64(s.GlobalStep-r.first) / seconds,
		"epoch":                    s.Epoch,
	}}
	if r.Masking != nil {
		result.Metrics["train_tokens_per_second"] = float64(r.tokens) / seconds
	}
	e := LogEntry{}
	for k, v := range result.Metrics {
		e[k] = v
	}
	r.record(e)
	if err := r.loadBest(); err != nil {
		return result, err
	}
	if r.Args.OutputDir == "" {
		return result, nil
	}
	return result, r.state.save(r.Args.OutputDir)
}
