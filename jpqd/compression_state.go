package jpqd

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// Files of a compressed model's folder, beside config.json and model.safetensors.
const (
	NNCFConfigFile       = "nncf_config.json"        // the configuration as it was given
	compressionFile      = "compression.safetensors" // scores, masks, quantizers
	compressionStateFile = "compression_state.json"  // where the schedule stands
)

// compressionState is compression_state.json.
type compressionState struct {
	movementScheduleState
	Frozen    bool             `json:"frozen"`     // masks are final
	KeptUnits map[string][]int `json:"kept_units"` // by group id: heads or neurons kept, once frozen
	Weights   string           `json:"weights"`    // checksum of the model's weights that belong to it

	QuantizationEpoch *int                 `json:"quantization_epoch,omitempty"` // staged quantization: −1 before the first
	Target            *sparsityTargetState `json:"target_sparsity,omitempty"`    // with --target_sparsity
}

// save writes the scores, masks and quantizers by the names they have in a
// PyTorch state dict of NNCF, and the schedule.
func (c *compression) save(dir string) error {
	f := &checkpoint.File{Tensors: map[string]checkpoint.Tensor{}}
	for _, p := range c.sparsifiers {
		f.Tensors[p.weight.scores.Name] = checkpoint.Tensor{Shape: p.weight.scores.Shape, F32: p.weight.scores.Data}
		f.Tensors[p.bias.scores.Name] = checkpoint.Tensor{Shape: p.bias.scores.Shape, F32: p.bias.scores.Data}
		f.Tensors[maskName(p, "weight")] = checkpoint.Tensor{Shape: p.linear.Weight.Shape, F32: p.weight.mask}
		f.Tensors[maskName(p, "bias")] = checkpoint.Tensor{Shape: p.linear.Bias.Shape, F32: p.bias.mask}
	}
	for _, q := range c.quantizers {
		for _, p := range q.params() {
			f.Tensors[p.Name] = checkpoint.Tensor{Shape: p.Shape, F32: p.Data}
		}
		if q.logarithm {
			p := q.magnitudeParam()
			linear := make([]float32, len(p.Data))
			for i := range linear {
				linear[i] = q.magnitude(p, i)
			}
			f.Tensors[q.linearName()] = checkpoint.Tensor{Shape: p.Shape, F32: linear}
		}
		if q.symmetric {
			signed := int64(0)
			if q.signed {
				signed = 1
			}
			f.Tensors[q.name+".signed_tensor"] = checkpoint.Tensor{Shape: []int{1}, I64: []int64{signed}}
		}
	}
	if err := checkpoint.Write(filepath.Join(dir, compressionFile), f); err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(dir, NNCFConfigFile), c.cfg.Source, 0o644); err != nil {
		return err
	}
	state := compressionState{Frozen: c.frozen, KeptUnits: map[string][]int{}, Weights: modelSum(c.model)}
	if c.schedule != nil {
		state.movementScheduleState = c.schedule.movementScheduleState
	}
	if q := c.cfg.Quantization; q != nil && q.Staged != nil {
		state.QuantizationEpoch = &c.epoch
	}
	if c.target != nil {
		state.Target = &c.target.sparsityTargetState
	}
	for _, g := range c.groups {
		if c.frozen {
			state.KeptUnits[fmt.Sprint(g.id)] = g.kept
		}
	}
	return checkpoint.WriteJSON(filepath.Join(dir, compressionStateFile), state)
}

func maskName(p *sparsifier, operand string) string {
	return p.linear.Name + ".pre_ops.0.op." + operand + "_ctx._binary_mask"
}

// load restores what save wrote.
func (c *compression) load(dir string) error {
	path := filepath.Join(dir, compressionFile)
	f, err := checkpoint.Read(path)
	if err != nil {
		return err
	}
	if err := c.knows(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	read := func(dst []float32, name string, shape []int) error {
		data, err := f.F32(name, shape...)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i, v := range data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%s: tensor %s: element %d is %v, want a finite number", path, name, i, v)
			}
		}
		copy(dst, data)
		return nil
	}
	for _, p := range c.sparsifiers {
		for _, e := range []struct {
			dst   []float32
			name  string
			shape []int
		}{
			{p.weight.scores.Data, p.weight.scores.Name, p.weight.scores.Shape},
			{p.bias.scores.Data, p.bias.scores.Name, p.bias.scores.Shape},
			{p.weight.mask, maskName(p, "weight"), p.linear.Weight.Shape},
			{p.bias.mask, maskName(p, "bias"), p.linear.Bias.Shape},
		} {
			if err := read(e.dst, e.name, e.shape); err != nil {
				return err
			}
		}
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			for i, v := range o.mask {
				if v != 0 && v != 1 {
					return fmt.Errorf("%s: mask of %s: element %d is %v, want 0 or 1", path, p.linear.Name, i, v)
				}
			}
		}
	}
	for _, q := range c.quantizers {
		for _, p := range q.params() {
			name := p.Name
			if _, found := f.Tensors[name]; q.logarithm && !found && p == q.magnitudeParam() {
				name = q.linearName() // all that NNCF's own state dict has
			}
			if err := read(p.Data, name, p.Shape); err != nil {
				return err
			}
			if name != p.Name {
				for i, v := range p.Data {
					q.setMagnitude(p, i, v)
				}
			}
		}
		if q.symmetric {
			signed := f.Tensors[q.name+".signed_tensor"].I64
			if len(signed) != 1 {
				return fmt.Errorf("%s: tensor %s.signed_tensor: found %d values, want 1", path, q.name, len(signed))
			}
			q.signed = signed[0] != 0
		}
	}
	c.ranged = true
	return c.loadState(filepath.Join(dir, compressionStateFile))
}

// knows refuses a file with tensors that the configuration does not lead to.
func (c *compression) knows(f *checkpoint.File) error {
	known := map[string]bool{}
	for _, p := range c.sparsifiers {
		for _, name := range []string{p.weight.scores.Name, p.bias.scores.Name, maskName(p, "weight"), maskName(p, "bias")} {
			known[name] = true
		}
	}
	for _, q := range c.quantizers {
		for _, p := range q.params() {
			known[p.Name] = true
		}
		known[q.linearName()] = true
		known[q.name+".signed_tensor"] = q.symmetric
	}
	for _, name := range f.Names() {
		if !known[name] {
			return fmt.Errorf("found tensor %s, want only those of %s", name, NNCFConfigFile)
		}
	}
	return nil
}

// checkWeights checks, after load, that the model has the weights that the
// masks and ranges were saved with.
func (c *compression) checkWeights(dir string) error {
	if found := modelSum(c.model); found != c.savedWeights {
		return fmt.Errorf("%s: weights: found a model with checksum %q, want %q: the folder's files are of different models", filepath.Join(dir, compressionStateFile), found, c.savedWeights)
	}
	return nil
}

func (c *compression) loadState(path string) error {
	var state compressionState
	if err := checkpoint.ReadJSON(path, &state); err != nil {
		return err
	}
	c.savedWeights = state.Weights
	if q := c.cfg.Quantization; q != nil && q.Staged != nil {
		if state.QuantizationEpoch == nil || *state.QuantizationEpoch < -1 {
			return fmt.Errorf("%s: quantization_epoch: found none or one below -1, want the epoch of staged quantization", path)
		}
		c.stage(*state.QuantizationEpoch)
	}
	if c.schedule == nil {
		return nil
	}
	if err := c.schedule.check(state.movementScheduleState); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c.schedule.restore(state.movementScheduleState)
	if c.schedule.stage() == InWarmup && c.schedule.InitThreshold == nil {
		return fmt.Errorf("%s: _init_importance_threshold is missing in warm-up", path)
	}
	c.threshold, c.loss.factor = c.schedule.threshold(), c.schedule.factor()
	if err := c.restoreTarget(state.Target, state.Frozen); err != nil {
		return fmt.Errorf("%s: target_sparsity: %w", path, err)
	}
	if !state.Frozen {
		c.thaw()
		return nil
	}
	c.freeze()
	for _, g := range c.groups {
		kept, found := state.KeptUnits[fmt.Sprint(g.id)]
		if !found {
			return fmt.Errorf("%s: kept_units.%d: found none, want the units that final masks keep", path, g.id)
		}
		for i, u := range kept {
			if u < 0 || u >= g.units || i > 0 && u <= kept[i-1] {
				return fmt.Errorf("%s: kept_units.%d: found %d, want 0 to %d, ascending", path, g.id, u, g.units-1)
			}
		}
		g.kept = kept
		for _, m := range g.members {
			if !m.pruned(g) {
				return fmt.Errorf("%s: kept_units.%d: found others than the mask of %s in %s keeps, want the same", path, g.id, m.linear.Name, compressionFile)
			}
		}
	}
	return nil
}
