package jpqd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// record adds an entry to the log history. What is not a number in JSON becomes null.
func (r *run) record(e LogEntry) {
	for k, v := range e {
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			e[k] = nil
		}
	}
	e["epoch"], e["step"] = r.state.Epoch, r.state.GlobalStep
	r.state.LogHistory = append(r.state.LogHistory, e)
	if r.OnLog != nil {
		r.OnLog(e)
	}
}

// logLosses logs the mean loss since the last time and the last step's terms.
func (r *run) logLosses() {
	s := &r.state
	e := LogEntry{"loss": s.LossSinceLog / float64(s.GlobalStep-s.LoggedStep), "learning_rate": r.learningRate()}
	s.LossSinceLog, s.LoggedStep = 0, s.GlobalStep
	if r.Teacher != nil {
		e["task_loss"], e["distillation_loss"] = s.last.task, s.last.distillation
	}
	if c := r.compression; c != nil {
		e["compression_loss"] = s.last.compression
		if c.schedule != nil {
			st := c.statistics()
			const prefix = "compression/movement_sparsity/"
			e[prefix+"model_sparsity"], e[prefix+"linear_layer_sparsity"] = st.ModelSparsity, st.LinearLayerSparsity
			e[prefix+"importance_regularization_factor"] = st.Factor
			if !math.IsInf(st.Threshold, 0) {
				e[prefix+"importance_threshold"] = st.Threshold
			}
			if c.target != nil && st.Stage == InWarmup {
				e[prefix+"expected_sparsity"] = c.target.Expected // if warm-up ended here
			}
		}
	}
	r.record(e)
}

// evaluate runs the evaluation data.
func (r *run) evaluate(ctx context.Context) error {
	if len(r.EvalData) == 0 {
		return nil
	}
	metrics, err := r.Evaluate(ctx, r.EvalData)
	if errors.Is(err, ErrInterrupted) {
		return r.interrupted(ctx)
	}
	if err != nil {
		return err
	}
	e := LogEntry{}
	for k, v := range metrics {
		e[k] = v
	}
	r.record(e)
	if a := &r.Args; a.LoadBestModelAtEnd || a.MetricForBestModel != "" {
		name, _ := a.bestMetric()
		v, ok := metrics[name]
		if !ok {
			return fmt.Errorf("--metric_for_best_model: found %q, want one of %q", a.MetricForBestModel, slices.Sorted(maps.Keys(metrics)))
		}
		r.state.evaluated = &candidate{step: r.state.GlobalStep, metric: v}
	}
	return nil
}
