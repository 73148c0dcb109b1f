package jpqd

import (
	"fmt"
	"math"
)

// text reads a string.
func (r *configReader) text(parent *configValue, key, absent string) string {
	if v := parent.get(key); v != nil {
		return v.scalar.(string)
	}
	return absent
}

// flag reads true or false.
func (r *configReader) flag(parent *configValue, key string, absent bool) bool {
	if v := parent.get(key); v != nil {
		return v.scalar.(bool)
	}
	return absent
}

// optionalFlag reads true or false, nil where the key is absent.
func (r *configReader) optionalFlag(parent *configValue, key string) *bool {
	if parent.get(key) == nil {
		return nil
	}
	value := r.flag(parent, key, false)
	return &value
}

// number reads a number.
func (r *configReader) number(parent *configValue, key string, absent float64) float64 {
	if v := parent.get(key); v != nil {
		return v.scalar.(float64)
	}
	return absent
}

// multiplier reads compression_lr_multiplier. Zero would end the training of
// what it multiplies, and a negative one turn it round.
func (r *configReader) multiplier(parent *configValue, absent float64) float64 {
	const key = "compression_lr_multiplier"
	if v := parent.get(key); v != nil && v.scalar.(float64) <= 0 {
		r.fail(v.wrong("a number above 0"))
	}
	return r.number(parent, key, absent)
}

// integer reads a number that must be whole and within bounds.
func (r *configReader) integer(parent *configValue, key string, low, high, absent int) int {
	if v := parent.get(key); v != nil {
		return r.whole(v, low, high)
	}
	return absent
}

// whole converts a value that must be a whole number within bounds.
func (r *configReader) whole(v *configValue, low, high int) int {
	number := v.scalar.(float64)
	if number != math.Trunc(number) || number < float64(low) || number > float64(high) {
		r.fail(v.wrong(fmt.Sprintf("an integer from %d to %d", low, high)))
		return low
	}
	return int(number)
}

// scopes reads a scope string or a list of them; nil where the key is absent.
func (r *configReader) scopes(parent *configValue, key string) Scopes {
	v := parent.get(key)
	if v == nil {
		return nil
	}
	entries := []*configValue{v}
	if v.array {
		entries = v.elements
	}
	scopes := Scopes{}
	for _, entry := range entries {
		scopes = append(scopes, r.scope(entry, entry.scalar.(string)))
	}
	return scopes
}

// scope checks that a scope string can be used.
func (r *configReader) scope(at *configValue, scope string) string {
	if _, err := compileScope(scope); err != nil {
		r.fail(&configError{line: at.line, offset: at.offset, path: at.path, message: err.Error()})
	}
	return scope
}

// filter reads the keys that decide which nodes a section considers.
func (r *configReader) filter(section *configValue) ScopeFilter {
	return ScopeFilter{
		Ignored:  r.scopes(section, "ignored_scopes"),
		Target:   r.scopes(section, "target_scopes"),
		Validate: r.flag(section, "validate_scopes", true),
	}
}

// movementSparsity reads and checks a section of movement sparsity.
func (r *configReader) movementSparsity(section *configValue, lrMultiplier float64) *MovementSparsityConfig {
	c := &MovementSparsityConfig{
		ScopeFilter:  r.filter(section),
		LRMultiplier: r.multiplier(section, lrMultiplier),
	}
	params := section.get("params")
	if params == nil {
		empty := *section
		empty.path, empty.members, empty.index = joinKey(section.path, "params"), nil, nil
		params = &empty
	}
	r.movementParams(c, params)
	if structures := section.get("sparse_structure_by_scopes"); structures != nil {
		for _, item := range structures.elements {
			c.Structures = append(c.Structures, r.sparseStructure(item))
		}
	}
	return c
}

// maxEpochs bounds epochs, so that an epoch times steps_per_epoch stays an int.
const maxEpochs = 1e6

// movementParams reads the schedule. The checks and their order are NNCF's.
func (r *configReader) movementParams(c *MovementSparsityConfig, params *configValue) {
	for _, key := range []string{"warmup_start_epoch", "warmup_end_epoch", "importance_regularization_factor"} {
		if params.get(key) == nil {
			r.fail(params.missing(key, fmt.Sprintf("`%s` is required in config", key), "a number"))
			return
		}
	}
	c.WarmupStartEpoch = r.number(params, "warmup_start_epoch", 0)
	c.WarmupEndEpoch = r.number(params, "warmup_end_epoch", 0)
	c.ImportanceRegularizationFactor = r.number(params, "importance_regularization_factor", 0)
	c.EnableStructuredMasking = r.flag(params, "enable_structured_masking", true)
	c.FinalImportanceThreshold = r.number(params, "final_importance_threshold", 0)
	c.Power = r.number(params, "power", 3)
	c.StepsPerEpoch = r.integer(params, "steps_per_epoch", 1, math.MaxInt32, 0)
	initial := params.get("init_importance_threshold")
	if initial != nil {
		value := initial.scalar.(float64)
		c.InitImportanceThreshold = &value
	}

	start, end := params.get("warmup_start_epoch"), params.get("warmup_end_epoch")
	factor := params.get("importance_regularization_factor")
	switch {
	case params.get("steps_per_epoch") == nil && c.WarmupStartEpoch < 1:
		r.fail(start.refuse("`warmup_start_epoch` must be >= 1 to enable the auto calculation of `steps_per_epoch`",
			"at least 1, or `steps_per_epoch` beside it"))
	case !(0 <= c.WarmupStartEpoch):
		r.fail(start.refuse("`0 <= warmup_start_epoch < warmup_end_epoch` does not hold", "at least 0"))
	case !(c.WarmupStartEpoch < c.WarmupEndEpoch):
		r.fail(end.refuse("`0 <= warmup_start_epoch < warmup_end_epoch` does not hold",
			fmt.Sprintf("more than `warmup_start_epoch`, which is %v", c.WarmupStartEpoch)))
	case c.WarmupEndEpoch > maxEpochs:
		r.fail(end.wrong(fmt.Sprintf("at most %v epochs", maxEpochs)))
	case c.ImportanceRegularizationFactor < 0:
		r.fail(factor.refuse("`importance_regularization_factor` should not be a negative number", "at least 0"))
	case c.Power < 0:
		r.fail(params.get("power").wrong("at least 0: the threshold would leave its final value behind"))
	case initial != nil && *c.InitImportanceThreshold >= c.FinalImportanceThreshold:
		r.warn(initial, fmt.Sprintf("`init_importance_threshold` %v is not below `final_importance_threshold` %v: sparsity will not grow during warm-up",
			*c.InitImportanceThreshold, c.FinalImportanceThreshold))
	}
}

// maxSparseFactor bounds the sides of a block; no matrix of a published model is larger.
const maxSparseFactor = 1 << 22

// sparseStructure reads an item of sparse_structure_by_scopes.
func (r *configReader) sparseStructure(item *configValue) SparseStructure {
	const invalid = "Invalid sparse config. "
	s := SparseStructure{Mode: SparseMode(r.text(item, "mode", string(Fine))), Target: r.scopes(item, "target_scopes")}
	factors, axis := item.get("sparse_factors"), item.get("axis")
	switch target := item.get("target_scopes"); {
	case target == nil:
		r.fail(item.missing("target_scopes", invalid+"Missing `target_scopes`", "at least one scope"))
	case len(s.Target) == 0 || s.Target[0] == "":
		r.fail(target.refuse(invalid+"Missing `target_scopes`", "at least one scope"))
	}
	if s.Mode != PerDim && axis != nil {
		r.fail(axis.refuse(fmt.Sprintf("%sThe mode %q does not expect specified `axis`", invalid, s.Mode), "no such key"))
		return s
	}
	switch s.Mode {
	case Fine:
		s.Factors = [2]int{1, 1}
		if factors != nil && !isOnes(factors) {
			r.fail(factors.refuse(invalid+"The mode \"fine\" expects `sparse_factors` to be [1, 1] or unspecified", "[1, 1] or no such key"))
		}
	case Block:
		switch {
		case factors == nil:
			r.fail(item.missing("sparse_factors", invalid+"Missing `sparse_factors`", "two integers, the rows and columns of a block"))
		case len(factors.elements) != 2:
			r.fail(factors.refuse(invalid+"The mode \"block\" expects tuple of two `sparse_factors`", "two integers"))
		default:
			for i, factor := range factors.elements {
				s.Factors[i] = r.whole(factor, 1, maxSparseFactor)
			}
		}
	case PerDim:
		switch {
		case axis == nil:
			r.fail(item.missing("axis", invalid+"Missing `axis`", "0 for rows or 1 for columns"))
		case factors != nil:
			r.fail(factors.refuse(invalid+"The mode \"per_dim\" does not expect specified `sparse_factors`", "no such key"))
		case axis.scalar != 0.0 && axis.scalar != 1.0:
			r.fail(axis.refuse("Invalid axis id", "0 for rows or 1 for columns"))
		default:
			s.Axis = r.whole(axis, 0, 1)
		}
	}
	return s
}

// isOnes reports whether an array is [1, 1].
func isOnes(v *configValue) bool {
	return len(v.elements) == 2 && v.elements[0].scalar == 1.0 && v.elements[1].scalar == 1.0
}
