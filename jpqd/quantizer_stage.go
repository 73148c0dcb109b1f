package jpqd

import "context"

// stageQuantizers switches quantizers on whose epoch begins.
func (r *run) stageQuantizers(ctx context.Context) error {
	epoch := r.state.EpochIndex
	if r.compression == nil || !r.compression.stage(epoch) {
		return nil
	}
	r.log().Info("quantization: quantizers are switched on, all ranges are initialised again", "epoch", epoch)
	return r.compression.initRanges(ctx, r.shuffled(epoch), r.Args.PerDeviceTrainBatchSize)
}

// stage begins an epoch of staged quantization (NNCF's "params"): the quantizers
// of a group are off until its epoch begins. begins says that a group does so
// now, which makes NNCF initialise the ranges of all quantizers, from the model
// as it is by then. What epoch 0 finds are the ranges made before training.
func (c *compression) stage(epoch int) (begins bool) {
	c.epoch = epoch
	if c.cfg.Quantization == nil || c.cfg.Quantization.Staged == nil {
		return false
	}
	s := c.cfg.Quantization.Staged
	for _, q := range c.quantizers {
		start := s.ActivationsStartEpoch
		if q.weight != nil {
			start = s.WeightsStartEpoch
		}
		q.turn(max(epoch, 0) >= start)
		begins = begins || epoch > 0 && epoch == start
	}
	return begins
}

// turn switches a quantizer on or off. Parameters of one that is off are not
// trained.
func (q *quantizer) turn(on bool) {
	if q.off == !on {
		return
	}
	q.off = !on
	for _, p := range q.params() {
		if p.Freeze(); on {
			p.Frozen, p.Grad = false, make([]float32, len(p.Data))
		}
	}
}
