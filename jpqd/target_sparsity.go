package jpqd

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
)

// targetTolerance is how far from --target_sparsity the result may be unless a
// single head or neuron is more than that.
const targetTolerance = 0.02

// sparsityTarget finds the regularisation factor with which movement sparsity
// ends at a wanted linear_layer_sparsity.
//
// Before every step of warm-up the [outlook] says how sparse the model would be
// if its masks were resolved now at final_importance_threshold. This sparsity s
// is to follow target·k, where k = 1 − (1 − p)^power is the schedule's
// progress. A proportional-integral controller acts on the logarithm of λ_max,
// because what it takes spans orders of magnitude:
//
//	e = clamp((target·k − s)/0.1, −1, 1)
//	I ← I + 8·e/(steps of warm-up)
//	λ_max = importance_regularization_factor · exp(I + 2·e),  λ = k·λ_max
//
// so that an error of ten points multiplies λ_max by e² at once, and by e⁸ if it
// lasts all through warm-up. The proportional part damps what the integral
// alone would turn into swings: scores answer to λ with their rate of change.
//
// What λ leaves open, the end of warm-up closes: of all thresholds, the one
// whose resolved sparsity is nearest to the target makes the final masks (see
// [outlook.thresholds] for models with few and large heads). So the target is
// met to within one head or neuron (one score without structured masking),
// unless the clamp that keeps 2 % of every tensor forbids it. The better the
// controller did, the nearer this threshold is to final_importance_threshold,
// with which the model was trained.
type sparsityTarget struct {
	outlook *outlook
	sparsityTargetState
}

// sparsityTargetState is what a checkpoint keeps of a sparsityTarget.
type sparsityTargetState struct {
	Target    float64  `json:"target_sparsity"`
	Integral  float64  `json:"integral"`            // I
	Maximum   float64  `json:"factor"`              // λ_max of the current step; in the end the mean
	Weighted  float64  `json:"weighted_factors"`    // Σ k·λ_max over the steps of warm-up
	Weights   float64  `json:"weights"`             // Σ k
	Threshold *float64 `json:"threshold,omitempty"` // of the final masks
	Expected  float64  `json:"expected_sparsity"`   // s of the current step
}

// The controller's error is full at errorScale; then λ_max changes by
// e^proportional at once and by e^integral in a whole warm-up.
const (
	errorScale   = 0.1
	proportional = 2.0
	integral     = 8.0
)

// checkTarget validates --target_sparsity against the NNCF configuration.
func (t *Trainer) checkTarget() error {
	switch target := t.Args.TargetSparsity; {
	case target == 0:
		return nil
	case t.NNCF == nil || t.NNCF.MovementSparsity == nil:
		return fmt.Errorf("--target_sparsity: found %v without movement sparsity, want a section movement_sparsity in the NNCF configuration", target)
	case t.NNCF.MovementSparsity.ImportanceRegularizationFactor == 0:
		return errors.New("--target_sparsity: found importance_regularization_factor 0, want one above 0 to start from")
	}
	return nil
}

// aimAt makes the compression find λ.
func (c *compression) aimAt(target float64) {
	c.target = &sparsityTarget{
		newOutlook(c.sparsifiers, c.groups),
		sparsityTargetState{Target: target, Maximum: c.schedule.cfg.ImportanceRegularizationFactor},
	}
}

// restoreTarget goes on from a checkpoint, whose schedule is restored already.
// Without --target_sparsity, as in evaluation, the target is the checkpoint's.
func (c *compression) restoreTarget(state *sparsityTargetState, frozen bool) error {
	switch {
	case state == nil && c.target == nil:
		return nil
	case state == nil:
		return fmt.Errorf("found none, want --target_sparsity = %v", c.target.Target)
	case c.target != nil && c.target.Target != state.Target:
		return fmt.Errorf("found %v, want --target_sparsity = %v", state.Target, c.target.Target)
	case frozen && state.Threshold == nil:
		return errors.New("threshold is missing, want that of the final masks")
	}
	c.aimAt(state.Target)
	c.target.sparsityTargetState = *state
	switch {
	case frozen:
		c.threshold, c.loss.factor = *state.Threshold, state.Maximum
	case c.schedule.stage() == InWarmup:
		c.loss.factor = c.schedule.progress() * state.Maximum
	}
	return nil
}

// steer returns λ of a step of warm-up.
func (t *sparsityTarget) steer(s *movementSchedule) float64 {
	t.outlook.look()
	final := float32(s.cfg.FinalImportanceThreshold)
	t.Expected = t.outlook.sparsity(final, final)
	k := s.progress()
	first, end := s.warmup()
	e := min(max((t.Target*k-t.Expected)/errorScale, -1), 1)
	t.Integral += integral * e / float64(end-first)
	t.Maximum = s.cfg.ImportanceRegularizationFactor * math.Exp(t.Integral+proportional*e)
	t.Weighted += k * t.Maximum
	t.Weights += k
	return k * t.Maximum
}

// conclude makes the masks that come nearest to the target and settles λ_max on
// its mean, weighted by k: the constant factor of the same total pressure. It
// returns the threshold, that of all but heads if there are two.
func (t *sparsityTarget) conclude(log *slog.Logger) float64 {
	t.outlook.look()
	heads, others := t.outlook.thresholds(t.Target, targetTolerance)
	t.outlook.remask(heads, others)
	threshold := float64(others)
	t.Threshold = &threshold
	if t.Weights > 0 {
		t.Maximum = t.Weighted / t.Weights
	}
	found := t.outlook.sparsity(heads, others)
	log.Info("target_sparsity: regularisation factor and threshold were chosen", "target_sparsity", t.Target, "linear_layer_sparsity", found,
		"importance_regularization_factor", t.Maximum, "importance_threshold", threshold, "threshold_of_heads", float64(heads))
	if math.Abs(found-t.Target) > targetTolerance {
		log.Warn("target_sparsity: no threshold comes nearer to the target, because a single head or neuron is more than that or because 2 % of every tensor is always kept; smaller structures in sparse_structure_by_scopes would help",
			"target_sparsity", t.Target, "linear_layer_sparsity", found)
	}
	return threshold
}
