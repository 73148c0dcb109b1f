package jpqd

import "math"

// notSupported begins the message about a value that NNCF knows and jpqd does not do.
const notSupported = "not supported by jpqd"

// quantization reads and checks a section of quantization.
func (r *configReader) quantization(section *configValue, lrMultiplier float64, targetDevice string) *QuantizationConfig {
	c := &QuantizationConfig{
		ScopeFilter:  r.filter(section),
		LRMultiplier: r.multiplier(section, lrMultiplier),
		Preset:       r.text(section, "preset", "performance"),
		OverflowFix:  r.text(section, "overflow_fix", "enable"),
		Weights:      r.weights(section.get("weights")),
		Activations:  r.activations(section.get("activations")),
	}
	if preset := section.get("preset"); preset != nil && targetDevice == "NPU" {
		r.fail(preset.refuse("Presets are not supported for the target device \"NPU\"", "no such key"))
	}
	if outputs := section.get("quantize_outputs"); r.flag(section, "quantize_outputs", false) {
		r.fail(outputs.refuse(notSupported, "false: outputs of the model stay floats"))
	}
	if params := section.get("params"); params != nil {
		r.fail(params.refuse("staged quantization is "+notSupported, "no such key: all quantizers are active from the first step"))
	}
	if export := section.get("export_to_onnx_standard_ops"); r.flag(section, "export_to_onnx_standard_ops", false) {
		r.warn(export, "ignored: NNCF has deprecated it, and the model is written as OpenVINO IR")
	}
	overrides := section.get("scope_overrides")
	c.Weights.Overrides = r.overrides(overrides.get("weights"), r.weightMode)
	c.Activations.Overrides = r.overrides(overrides.get("activations"), r.activationMode)
	c.Range = r.initializer(section.get("initializer"))
	return c
}

// weights reads "weights"; nil is an absent key.
func (r *configReader) weights(group *configValue) QuantizerGroup {
	r.refuseLogarithm(group)
	return QuantizerGroup{ScopeFilter: r.filter(group), QuantizerMode: r.weightMode(group)}
}

// activations reads "activations"; nil is an absent key.
func (r *configReader) activations(group *configValue) QuantizerGroup {
	r.refuseLogarithm(group)
	if unified := group.get("unified_scale_ops"); unified != nil && len(unified.elements) > 0 {
		r.fail(unified.refuse(notSupported, "no such key: every quantizer has a scale of its own"))
	}
	return QuantizerGroup{ScopeFilter: r.filter(group), QuantizerMode: r.activationMode(group)}
}

func (r *configReader) refuseLogarithm(group *configValue) {
	if r.flag(group, "logarithm_scale", false) {
		r.fail(group.get("logarithm_scale").refuse(notSupported, "false: scales are trained as they are"))
	}
}

// quantizerMode reads the keys that groups and their overrides share.
func (r *configReader) quantizerMode(group *configValue) QuantizerMode {
	m := QuantizerMode{
		Mode:       r.text(group, "mode", ""),
		Bits:       r.integer(group, "bits", 1, math.MaxInt32, 8),
		Signed:     r.optionalFlag(group, "signed"),
		PerChannel: r.optionalFlag(group, "per_channel"),
	}
	if m.Bits != 8 {
		r.fail(group.get("bits").refuse(notSupported, "8"))
	}
	return m
}

// weightMode reads how weights are quantized. An integer weight is its value
// over the scale of its row: it has a sign and no zero point.
func (r *configReader) weightMode(group *configValue) QuantizerMode {
	m := r.quantizerMode(group)
	if m.Mode == "asymmetric" {
		r.fail(group.get("mode").refuse(notSupported+" for weights", `"symmetric"`))
	}
	if m.Signed != nil && !*m.Signed {
		r.fail(group.get("signed").refuse(notSupported+" for weights", "true"))
	}
	return m
}

// activationMode reads how activations are quantized: with one range for all of
// a tensor, as the CPU's matrix products need them.
func (r *configReader) activationMode(group *configValue) QuantizerMode {
	m := r.quantizerMode(group)
	if m.PerChannel != nil && *m.PerChannel {
		r.fail(group.get("per_channel").refuse(notSupported+" for activations", "false"))
	}
	return m
}

// overrides reads one group of scope_overrides in the order of the file.
func (r *configReader) overrides(group *configValue, read func(*configValue) QuantizerMode) []QuantizerOverride {
	if group == nil {
		return nil
	}
	var overrides []QuantizerOverride
	for _, m := range group.members {
		if own := m.value.get("initializer"); own != nil {
			r.fail(own.refuse(notSupported+" in an override", "no such key; an item of `initializer.range` with `target_scopes` does the same"))
		}
		overrides = append(overrides, QuantizerOverride{
			Target:        Scopes{r.scope(m.value, m.key)},
			QuantizerMode: read(m.value),
		})
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
	ranges := v.get("range")
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
