package jpqd

import "math"

// warmupPlan is what a run makes of movement sparsity's schedule.
type warmupPlan struct {
	*movementSchedule     // with the steps of an epoch filled in
	first, end        int // the first step of warm-up and the first after it, of the schedule
}

// planWarmup counts the steps of warm-up before there are any.
func (r *run) planWarmup() warmupPlan {
	a := r.Args.GradientAccumulationSteps
	s := newMovementSchedule(r.compression.schedule.cfg)
	if s.StepsPerEpoch == 0 {
		s.StepsPerEpoch = (r.batches + a - 1) / a
	}
	first, end := s.warmup()
	return warmupPlan{s, first, end}
}

// updatesBefore is the number of optimizer steps done when a step of the
// schedule begins. The schedule steps at every GradientAccumulationSteps-th
// batch of an epoch and so more often than the optimizer, which counts batches
// across epochs, if an epoch's batches are not a multiple.
func (r *run) updatesBefore(p warmupPlan, step int) int {
	a := r.Args.GradientAccumulationSteps
	epoch, within := step/p.StepsPerEpoch, step%p.StepsPerEpoch
	if r.batches <= a {
		return epoch
	}
	return (epoch*r.batches + within*a) / a
}

// reach is about how far a score can move between two steps of the schedule:
// Adam's steps are about as long as the learning rate at most.
func (r *run) reach(p warmupPlan, from, to int) float64 {
	sum := 0.0
	for step := r.updatesBefore(p, from); step < min(r.updatesBefore(p, to), r.state.MaxSteps); step++ {
		sum += r.learningRateAt(step)
	}
	return sum
}

// What to do about a warm-up in which nothing can happen.
const shortWarmupHelp = "a longer warm-up (warmup_end_epoch − warmup_start_epoch), smaller batches or a higher learning rate would help"

// warnOfWarmup warns, before training, of a schedule that cannot prune: one
// that training does not get through, or whose threshold no score can reach.
func (r *run) warnOfWarmup() {
	c := r.compression
	if c == nil || c.schedule == nil || c.frozen {
		return
	}
	p := r.planWarmup()
	if last := r.updatesBefore(p, p.end); last >= r.state.MaxSteps {
		r.log().Warn("training ends before movement sparsity's warm-up: the masks will not be final; train for more than warmup_end_epoch",
			"epochs", float64(r.state.MaxSteps)/float64(max(1, r.updatesBefore(p, p.StepsPerEpoch))), "warmup_end_epoch", p.cfg.WarmupEndEpoch,
			"steps", r.state.MaxSteps, "warmup_ends_after_step", last)
	}
	steps := p.end - p.first
	if steps < 2 {
		r.log().Warn("movement_sparsity: warm-up is too short to prune anything: the first of its steps has λ = 0 and the threshold that it starts from, and there is no other; "+shortWarmupHelp,
			"warmup_steps", steps, "steps_per_epoch", p.StepsPerEpoch)
		r.warned = true
		return
	}
	// Where no first threshold is given, it is one of the lowest scores. It is
	// taken for 0 here: with a lower one, still less can be pruned.
	first := 0.0
	if p.cfg.InitImportanceThreshold != nil {
		first = *p.cfg.InitImportanceThreshold
	}
	k := p.progressAt(p.end - 1)
	last := first + k*(p.cfg.FinalImportanceThreshold-first)
	if reach := r.reach(p, 0, p.end-1); last < -reach {
		r.log().Warn("movement_sparsity: warm-up cannot prune anything: scores start at 0, and by its last step none can have fallen to the threshold, for Adam moves them at most about the sum of the learning rates; a higher final_importance_threshold (0 is usual), more steps or a higher learning rate would help",
			"warmup_steps", steps, "threshold_at_last_step", last, "progress_at_last_step", k, "scores_fall_at_most", reach)
		r.warned = true
	}
}

// warnOfReach warns, when warm-up begins and the scores are known, if it is too
// short for what is left to do: if nothing would be removed even though every
// score fell by the sum of its learning rates.
func (r *run) warnOfReach() {
	c := r.compression
	if r.warned {
		return
	}
	p := r.planWarmup()
	last := *c.schedule.InitThreshold
	k := p.progressAt(p.end - 1)
	last += k * (p.cfg.FinalImportanceThreshold - last)
	// The first step of warm-up has λ = 0, and the masks of the last one come from
	// the scores before it.
	reach := r.reach(p, p.first+1, p.end-1)
	view := newOutlook(c.sparsifiers, c.groups)
	view.look()
	lowest := float32(last + reach)
	most := view.sparsity(lowest, lowest)
	args := []any{"warmup_steps", p.end - p.first, "threshold_at_last_step", last, "progress_at_last_step", k, "scores_fall_at_most", reach, "linear_layer_sparsity_at_most", most}
	target := r.Args.TargetSparsity
	switch {
	case target > 0 && most < target-targetTolerance:
		r.log().Warn("target_sparsity: warm-up is too short for λ alone to reach it; the final threshold will be higher than final_importance_threshold, and less important weights are not told apart as well; "+shortWarmupHelp, args...)
	case target == 0 && most == 0:
		r.log().Warn("movement_sparsity: warm-up is too short to prune anything: even if every score fell by the sum of its learning rates, no head and no neuron would be below the threshold of its last step; "+shortWarmupHelp, args...)
	}
}

// warnOfNothingPruned warns if the masks are final and structured masking has
// left everything in place.
func (r *run) warnOfNothingPruned(e *StageEvent) {
	if len(e.Groups) == 0 || e.Removed() > 0 {
		return
	}
	r.log().Warn("movement_sparsity: no head and no neuron was removed: each has a score above the threshold in one of its matrices; a higher importance_regularization_factor, a longer warm-up or --target_sparsity would help",
		"importance_regularization_factor", e.Factor, "threshold", e.Threshold, "linear_layer_sparsity_before", math.Round(e.SparsityBefore*1e4)/1e4)
}
