package jpqd

// entered reports that movement sparsity entered a stage.
func (r *run) entered(e StageEvent) {
	e.Step, e.Epoch = r.state.GlobalStep, r.state.Epoch
	if e.Stage == PostWarmup {
		r.log().Info("movement_sparsity: masks are final", "step", e.Step, "threshold", e.Threshold,
			"linear_layer_sparsity_before", e.SparsityBefore, "linear_layer_sparsity", e.SparsityAfter, "units_removed", e.Removed())
		st := r.compression.statistics()
		st.log(r.log(), true)
		r.warnOfNothingPruned(&e)
	} else {
		r.log().Info("movement_sparsity: warm-up begins", "step", e.Step, "importance_threshold", e.Threshold)
		r.warnOfReach()
	}
	if r.OnStage != nil {
		r.OnStage(e)
	}
}
