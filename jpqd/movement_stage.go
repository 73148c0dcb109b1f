package jpqd

// StageEvent says that movement sparsity entered a stage. It comes before the
// stage's first step.
type StageEvent struct {
	Stage Stage
	Step  int     // optimizer steps done
	Epoch float64 // epochs done

	// Threshold is, in warm-up, the one that it starts from; after it, the one
	// of the final masks.
	Threshold float64
	// Factor is the regularisation factor λ_max, after warm-up the one that
	// was found where --target_sparsity is given.
	Factor float64

	// After warm-up: linear_layer_sparsity of the masks that the last training
	// step used and of the final ones, and what is left of the structured groups;
	// none without structured masking.
	SparsityBefore, SparsityAfter float64
	Groups                        []GroupUnits
}

// GroupUnits are the heads or neurons of a layer that are kept.
type GroupUnits struct {
	Layer int
	Name  string // of the family's rule: "attention" or "feed_forward"
	Units int    // before pruning
	Kept  []int  // ascending
}

// Removed is the number of heads and neurons that are gone.
func (e *StageEvent) Removed() (n int) {
	for _, g := range e.Groups {
		n += g.Units - len(g.Kept)
	}
	return n
}

// beginStep is called before every optimizer step's first forward pass. It sets
// τ and λ, and at the end of warm-up resolves and fixes the masks. It returns
// the stage that begins with this step, or nil.
func (c *compression) beginStep() *StageEvent {
	s := c.schedule
	if s == nil {
		return nil
	}
	before := s.stage()
	s.step()
	stage := s.stage()
	if stage == InWarmup && s.InitThreshold == nil {
		c.chooseInitThreshold()
	}
	c.threshold, c.loss.factor = s.threshold(), s.factor()
	if c.target != nil && stage == InWarmup {
		c.loss.factor = c.target.steer(s)
	}
	if c.target != nil && c.frozen {
		c.threshold, c.loss.factor = *c.target.Threshold, c.target.Maximum
	}
	switch {
	case stage == PostWarmup && !c.frozen:
		return c.finalMasks()
	case stage == InWarmup && before == PreWarmup:
		return &StageEvent{Stage: stage, Threshold: *s.InitThreshold, Factor: s.cfg.ImportanceRegularizationFactor}
	}
	return nil
}

// chooseInitThreshold sets the threshold that warm-up starts from.
func (c *compression) chooseInitThreshold() {
	first, final := initialThreshold(c.sparsifiers), c.schedule.cfg.FinalImportanceThreshold
	c.schedule.InitThreshold = &first
	c.log.Info("movement_sparsity: importance threshold chosen so that warmup starts from ~0.1% linear layer sparsity", "init_importance_threshold", first)
	if first >= final {
		c.log.Warn("movement_sparsity: init_importance_threshold is not below final_importance_threshold", "init", first, "final", final)
	}
}

// finalMasks ends warm-up: the masks become structured and are fixed.
func (c *compression) finalMasks() *StageEvent {
	e := &StageEvent{Stage: PostWarmup, SparsityBefore: c.statistics().LinearLayerSparsity}
	if c.target != nil {
		c.threshold = c.target.conclude(c.log)
		c.loss.factor = c.target.Maximum
	}
	e.Threshold, e.Factor = c.threshold, c.loss.factor
	resolveStructuredMasks(c.groups)
	c.freeze()
	e.SparsityAfter = c.statistics().LinearLayerSparsity
	for _, g := range c.groups {
		e.Groups = append(e.Groups, GroupUnits{Layer: g.layer, Name: g.name, Units: g.units, Kept: g.kept})
	}
	return e
}

// freeze makes the masks final and ends the training of scores.
func (c *compression) freeze() {
	c.frozen = true
	for _, p := range c.sparsifiers {
		p.weight.freeze()
		p.bias.freeze()
	}
}

// thaw undoes freeze for a model that is restored from before the end of
// warm-up. An optimizer that is made from then on trains its scores again.
func (c *compression) thaw() {
	c.frozen = false
	for _, p := range c.sparsifiers {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			o.frozen, o.scores.Frozen = false, false
		}
	}
	for _, g := range c.groups {
		g.kept = nil
	}
}
