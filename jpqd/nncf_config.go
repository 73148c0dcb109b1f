package jpqd

import "encoding/json"

// NNCFConfig is an NNCF configuration file: the sections of its "compression"
// list, read and checked. A nil section is absent. Defaults are filled in.
// [ParseNNCFConfig], [LoadNNCFConfig] and [DefaultNNCFConfig] make one.
type NNCFConfig struct {
	TargetDevice     string // "ANY", "CPU", "CPU_SPR", "GPU", "NPU", "TRIAL"; default "ANY"
	LogDir           string // log_dir; default ".". jpqd writes structured_sparsity.csv beside the model instead
	MovementSparsity *MovementSparsityConfig
	Quantization     *QuantizationConfig

	Source   json.RawMessage // the file in standard JSON: no comments, no trailing commas, indented
	Warnings []string        // what was ignored or looks wrong, with line and path of the key
}

// Scopes are scope strings of the configuration: "{re}" marks a regular
// expression that is searched for, anything else must equal the node's name.
type Scopes []string

// ScopeFilter is the pair of lists that decides which nodes a section
// considers: those that match Target, or all where Target is nil, except those
// that match Ignored. A Target that is empty and not nil matches nothing.
type ScopeFilter struct {
	Ignored, Target Scopes
	Validate        bool // every entry must match at least one node; default true
}

// MovementSparsityConfig is the section with "algorithm": "movement_sparsity".
type MovementSparsityConfig struct {
	ScopeFilter
	LRMultiplier float64 // compression_lr_multiplier: factor on the gradients of scores; default 1

	WarmupStartEpoch               float64
	WarmupEndEpoch                 float64
	ImportanceRegularizationFactor float64
	EnableStructuredMasking        bool     // default true
	InitImportanceThreshold        *float64 // nil: chosen automatically at the first warm-up step
	FinalImportanceThreshold       float64
	Power                          float64           // default 3
	StepsPerEpoch                  int               // 0: counted during epoch 0
	Structures                     []SparseStructure // sparse_structure_by_scopes
}

// SparseMode is the granularity of importance scores.
type SparseMode string

// The values of "mode".
const (
	Fine   SparseMode = "fine"
	Block  SparseMode = "block"
	PerDim SparseMode = "per_dim"
)

// SparseStructure is one item of sparse_structure_by_scopes.
type SparseStructure struct {
	Mode    SparseMode
	Factors [2]int // rows and columns of a block; {1, 1} for fine, unused for per_dim
	Axis    int    // per_dim: 0 scores rows, 1 scores columns
	Target  Scopes
}

// QuantizationConfig is the section with "algorithm": "quantization".
type QuantizationConfig struct {
	ScopeFilter
	LRMultiplier float64 // default 1

	Preset      string // "performance" or "mixed"; default "performance"
	OverflowFix string // "enable", "disable" or "first_layer_only"; default "enable"
	Weights     QuantizerGroup
	Activations QuantizerGroup
	Range       []RangeInit // initializer.range; one entry without scopes where the file has an object or nothing

	QuantizeInputs  bool                // default true; BERT has no inputs of floats, so that it is without effect
	QuantizeOutputs bool                // default false
	Staged          *StagedQuantization // params; nil: all quantizers are on from the first step
}

// StagedQuantization delays quantizers: those of a group are off until its
// epoch, counted from 0, begins.
type StagedQuantization struct {
	ActivationsStartEpoch int // activations_quant_start_epoch; default 1
	WeightsStartEpoch     int // weights_quant_start_epoch; default 1
}

// QuantizerGroup is "weights" or "activations" with the overrides that
// scope_overrides gives for the same group.
type QuantizerGroup struct {
	ScopeFilter
	QuantizerMode
	LogarithmScale  bool                // the logarithm of scales and ranges is trained; default false
	UnifiedScaleOps [][]string          // activations: nodes whose operands share one quantizer
	Overrides       []QuantizerOverride // in the order of the file
}

// QuantizerMode is how a quantizer is to be made; nil fields are decided by the
// preset, the hardware configuration or the statistics.
type QuantizerMode struct {
	Mode       string // "symmetric", "asymmetric" or "" = the preset's
	Bits       int    // default 8
	Signed     *bool
	PerChannel *bool
}

// QuantizerOverride is one entry of scope_overrides.
type QuantizerOverride struct {
	Target Scopes // one scope string
	QuantizerMode
	Range []RangeInit // initializer.range, in place of the section's; nil: none of its own
}

// RangeInit is one entry of initializer.range.
type RangeInit struct {
	Type           string  // mixed_min_max (default), min_max, mean_min_max, threesigma, percentile, mean_percentile
	NumInitSamples int     // default 256
	MinPercentile  float64 // 0–100; default 0.1
	MaxPercentile  float64 // 0–100; default 99.9
	Target         Scopes  // nil: every location
	Ignored        Scopes
	QuantizerGroup string // "weights", "activations" or "" = both
}

// defaultNNCFConfig is the compression of optimum-intel's OVConfig where none is given.
const defaultNNCFConfig = `{
  "compression": {
    "algorithm": "quantization",
    "preset": "mixed",
    "overflow_fix": "disable",
    "initializer": {
      "range": {"num_init_samples": 300, "type": "mean_min_max"},
      "batchnorm_adaptation": {"num_bn_adaptation_samples": 0}
    },
    "scope_overrides": {"activations": {"{re}.*matmul_0": {"mode": "symmetric"}}},
    "ignored_scopes": [
      "{re}.*Embedding.*", "{re}.*add___.*", "{re}.*layer_norm_.*", "{re}.*matmul_1", "{re}.*__truediv__.*"
    ]
  }
}`

// DefaultNNCFConfig is the configuration of quantization-aware training without
// pruning that optimum-intel uses where no file is given.
func DefaultNNCFConfig() *NNCFConfig {
	config, err := ParseNNCFConfig([]byte(defaultNNCFConfig))
	if err != nil {
		panic(err)
	}
	return config
}
