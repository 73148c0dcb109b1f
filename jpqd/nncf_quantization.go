package jpqd

import (
	"fmt"
	"math"
)

// notSupported begins the message about a value that NNCF knows and jpqd does not do.
const notSupported = "not supported by jpqd"

// quantization reads and checks a section of quantization.
func (r *configReader) quantization(section *configValue, lrMultiplier float64, targetDevice string) *QuantizationConfig {
	h := hardware(targetDevice)
	c := &QuantizationConfig{
		ScopeFilter:     r.filter(section),
		LRMultiplier:    r.multiplier(section, lrMultiplier),
		Preset:          r.text(section, "preset", "performance"),
		OverflowFix:     r.text(section, "overflow_fix", "enable"),
		Weights:         r.quantizerGroup(section.get("weights"), h.weightMode),
		Activations:     r.quantizerGroup(section.get("activations"), h.activationMode),
		QuantizeInputs:  r.flag(section, "quantize_inputs", true),
		QuantizeOutputs: r.flag(section, "quantize_outputs", false),
		Staged:          r.staged(section.get("params")),
	}
	if preset := section.get("preset"); preset != nil && targetDevice == "NPU" {
		r.fail(preset.refuse("Presets are not supported for the target device \"NPU\"", "no such key"))
	}
	c.Activations.UnifiedScaleOps = r.unifiedScaleOps(section.get("activations").get("unified_scale_ops"))
	if export := section.get("export_to_onnx_standard_ops"); r.flag(section, "export_to_onnx_standard_ops", false) {
		r.warn(export, "ignored: NNCF has deprecated it, and the model is written as OpenVINO IR")
	}
	overrides := section.get("scope_overrides")
	c.Weights.Overrides = r.overrides(overrides.get("weights"), h.weightMode)
	c.Activations.Overrides = r.overrides(overrides.get("activations"), h.activationMode)
	c.Range = r.initializer(section.get("initializer"))
	return c
}

// staged reads "params"; nil is an absent key. An empty object is as good as
// none, as in NNCF.
func (r *configReader) staged(params *configValue) *StagedQuantization {
	if params == nil || len(params.members) == 0 {
		return nil
	}
	for _, m := range params.members {
		switch m.key {
		case "activations_quant_start_epoch", "weights_quant_start_epoch":
		default: // of NNCF's sample scripts, not of its scheduler
			r.warn(m.value, "without effect: learning rate, weight decay and accumulation are those of the training arguments")
		}
	}
	return &StagedQuantization{
		ActivationsStartEpoch: r.integer(params, "activations_quant_start_epoch", 0, maxEpochs, 1),
		WeightsStartEpoch:     r.integer(params, "weights_quant_start_epoch", 0, maxEpochs, 1),
	}
}

// quantizerGroup reads "weights" or "activations"; nil is an absent key.
func (r *configReader) quantizerGroup(group *configValue, mode modeReader) QuantizerGroup {
	return QuantizerGroup{
		ScopeFilter: r.filter(group), QuantizerMode: mode(r, group), LogarithmScale: r.flag(group, "logarithm_scale", false),
	}
}

// unifiedScaleOps reads groups of nodes, no node in two of them; nil is an
// absent key.
func (r *configReader) unifiedScaleOps(list *configValue) [][]string {
	if list == nil {
		return nil
	}
	var groups [][]string
	seen := map[string]bool{}
	for _, group := range list.elements {
		var nodes []string
		for _, node := range group.elements {
			name := node.scalar.(string)
			if seen[name] {
				r.fail(node.refuse("the groups of unified scales overlap", "every node in one group"))
			}
			seen[name] = true
			nodes = append(nodes, name)
		}
		if len(nodes) > 0 {
			groups = append(groups, nodes)
		}
	}
	return groups
}

// modeReader reads how the quantizers of a group or an override are made.
type modeReader func(*configReader, *configValue) QuantizerMode

// quantizerMode reads the keys that groups and their overrides share.
func (r *configReader) quantizerMode(group *configValue) QuantizerMode {
	m := QuantizerMode{
		Mode:       r.text(group, "mode", ""),
		Bits:       r.integer(group, "bits", 1, math.MaxInt32, 8),
		Signed:     r.optionalFlag(group, "signed"),
		PerChannel: r.optionalFlag(group, "per_channel"),
	}
	if m.Bits != 8 {
		r.fail(group.get("bits").refuse(notSupported+", whose matrix products are those of 8 bits", "8"))
	}
	return m
}

// hardware is the target_device, which decides what quantizers there can be.
type hardware string

// weightMode reads how weights are quantized. Hardware has symmetric ones with
// a sign; without it (TRIAL) the sign is free.
func (h hardware) weightMode(r *configReader, group *configValue) QuantizerMode {
	m := r.quantizerMode(group)
	if m.Signed != nil && !*m.Signed && h != "TRIAL" {
		r.fail(group.get("signed").refuse(fmt.Sprintf("target device %q has no unsigned weights", string(h)), "true"))
	}
	return m
}

// activationMode reads how activations are quantized: with one range for all of
// a tensor, as matrix products of integers need them.
func (h hardware) activationMode(r *configReader, group *configValue) QuantizerMode {
	m := r.quantizerMode(group)
	if m.PerChannel != nil && *m.PerChannel {
		r.fail(group.get("per_channel").refuse(notSupported+" for activations, which enter matrix products with one scale a tensor", "false"))
	}
	return m
}

// overrides reads one group of scope_overrides in the order of the file.
func (r *configReader) overrides(group *configValue, mode modeReader) []QuantizerOverride {
	if group == nil {
		return nil
	}
	var overrides []QuantizerOverride
	for _, m := range group.members {
		o := QuantizerOverride{Target: Scopes{r.scope(m.value, m.key)}, QuantizerMode: mode(r, m.value)}
		if own := m.value.get("initializer").get("range"); own != nil {
			o.Range = r.ranges(own)
		}
		overrides = append(overrides, o)
	}
	return overrides
}

// initializer reads "initializer"; nil is an absent key.
func (r *configReader) initializer(v *configValue) []RangeInit {
	if precision := v.get("precision"); precision != nil {
		r.fail(precision.refuse("a choice of precisions is "+notSupported, "no such key: all quantizers have 8 bits"))
	}
	if adaptation := v.get("batchnorm_adaptation"); adaptation != nil {
		if r.integer(adaptation, "num_bn_adaptation_samples", 0, math.MaxInt32, 2000) > 0 {
			r.warn(adaptation, "without effect: the models that jpqd compresses have no batch normalisation")
		}
	}
	return r.ranges(v.get("range"))
}

// ranges reads a range initialiser or a list of them; nil is NNCF's default.
func (r *configReader) ranges(ranges *configValue) []RangeInit {
	switch {
	case ranges == nil || ranges.object:
		return []RangeInit{r.rangeInit(ranges)}
	case len(ranges.elements) == 0:
		return []RangeInit{r.rangeInit(nil)}
	}
	var all []RangeInit
	for _, item := range ranges.elements {
		init := r.rangeInit(item)
		init.Target = r.scopes(item, "target_scopes")
		init.Ignored = r.scopes(item, "ignored_scopes")
		init.QuantizerGroup = r.text(item, "target_quantizer_group", "")
		all = append(all, init)
	}
	return all
}

// rangeInit reads how ranges are initialised; nil is NNCF's default.
func (r *configReader) rangeInit(v *configValue) RangeInit {
	params := v.get("params")
	init := RangeInit{
		Type:           r.text(v, "type", "mixed_min_max"),
		NumInitSamples: r.integer(v, "num_init_samples", 0, math.MaxInt32, 256),
		MinPercentile:  r.number(params, "min_percentile", 0.1),
		MaxPercentile:  r.number(params, "max_percentile", 99.9),
	}
	if !(0 <= init.MinPercentile && init.MinPercentile < init.MaxPercentile && init.MaxPercentile <= 100) {
		r.fail(params.wrong("`0 <= min_percentile < max_percentile <= 100`; 0.1 and 99.9 where absent"))
	}
	return init
}
