package jpqd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// maxConfigBytes bounds an NNCF configuration file; the published ones have a few KiB.
const maxConfigBytes = 1 << 20

// LoadNNCFConfig reads a configuration file as [ParseNNCFConfig] does.
func LoadNNCFConfig(path string) (*NNCFConfig, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	if err != nil {
		return nil, err
	}
	config, err := ParseNNCFConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// ParseNNCFConfig reads an NNCF configuration: JSON in which comments and
// trailing commas are allowed, either the whole file with its "compression"
// key, or the list of sections alone, or one section alone. Values that are
// absent get NNCF's defaults. An error names the line, the path of the key, the
// value found and what is wanted; what NNCF knows and jpqd does not do is an
// error too, unless nothing is lost by ignoring it, which gives a warning.
func ParseNNCFConfig(data []byte) (*NNCFConfig, error) {
	if len(data) > maxConfigBytes {
		return nil, fmt.Errorf("found an NNCF configuration of more than %d bytes, want at most that", maxConfigBytes)
	}
	root, standard, warnings, err := parseConfigValue(data)
	if err != nil {
		return nil, fmt.Errorf("NNCF configuration: %w", err)
	}
	r := configReader{warnings: warnings}
	r.renameAliases(root)
	if r.err == nil {
		r.err = loadNNCFSchema().check(root)
	}
	config := r.config(root)
	if r.err != nil {
		return nil, fmt.Errorf("NNCF configuration: %w", r.err)
	}
	var source bytes.Buffer
	if err := json.Indent(&source, standard, "", "  "); err != nil {
		return nil, fmt.Errorf("NNCF configuration: %w", err)
	}
	config.Source = source.Bytes()
	config.Warnings = r.warnings
	return config, nil
}

// configReader turns values into configuration structs. It keeps the first
// error; after one, what it returns has no meaning.
type configReader struct {
	err      error
	warnings []string
}

func (r *configReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *configReader) warn(v *configValue, sentence string) {
	r.warnings = append(r.warnings, v.warning(sentence))
}

// sectionsOf lists the algorithm sections of a file in any of its three forms.
func sectionsOf(root *configValue) []*configValue {
	list := root
	if root.object && root.get("algorithm") == nil {
		list = root.get("compression")
	}
	switch {
	case list == nil:
		return nil
	case list.array:
		return list.elements
	}
	return []*configValue{list}
}

// renameAliases accepts the name that NNCF's documentation gives to a key.
func (r *configReader) renameAliases(root *configValue) {
	const documented, known = "initial_importance_threshold", "init_importance_threshold"
	for _, section := range sectionsOf(root) {
		algorithm := section.get("algorithm")
		params := section.get("params")
		alias := params.get(documented)
		if alias == nil || algorithm == nil || algorithm.scalar != "movement_sparsity" {
			continue
		}
		if params.get(known) != nil {
			r.fail(alias.refuse(fmt.Sprintf("this is NNCF's documented name of %q, which is given too", known), "one of the two"))
			return
		}
		r.warn(alias, fmt.Sprintf("read as %q, the name that NNCF itself accepts", known))
		params.rename(documented, known)
	}
}

// rootKeys are the keys of a whole file that NNCF knows.
var rootKeys = []string{
	"input_info", "target_device", "compression", "accuracy_aware_training",
	"compression_lr_multiplier", "log_dir", "disable_shape_matching",
}

// config reads a file whose keys and types the schema has found right.
func (r *configReader) config(root *configValue) *NNCFConfig {
	if r.err != nil {
		return nil
	}
	config := &NNCFConfig{TargetDevice: "ANY", LogDir: "."}
	lrMultiplier := 1.0
	if root.object && root.get("algorithm") == nil {
		r.warnRootKeys(root)
		config.TargetDevice = r.text(root, "target_device", config.TargetDevice)
		if dir := r.text(root, "log_dir", config.LogDir); dir != "" {
			config.LogDir = dir
		}
		lrMultiplier = r.multiplier(root, lrMultiplier)
	}
	sections := sectionsOf(root)
	if len(sections) == 0 {
		r.warn(root, "there is no section in \"compression\": the model is not compressed")
	}
	first := map[any]*configValue{}
	for _, section := range sections {
		algorithm := section.get("algorithm")
		if earlier := first[algorithm.scalar]; earlier != nil {
			r.fail(algorithm.refuse(fmt.Sprintf("the algorithm has a section already in line %d", earlier.line), "one section of each algorithm"))
			return config
		}
		first[algorithm.scalar] = algorithm
		switch algorithm.scalar {
		case "movement_sparsity":
			config.MovementSparsity = r.movementSparsity(section, lrMultiplier)
		case "quantization":
			config.Quantization = r.quantization(section, lrMultiplier, config.TargetDevice)
		}
	}
	return config
}

// warnRootKeys warns about keys of a whole file that have no effect here, and
// about foreign keys that look like a misspelt one of NNCF's.
func (r *configReader) warnRootKeys(root *configValue) {
	for _, m := range root.members {
		switch m.key {
		case "accuracy_aware_training":
			r.warn(m.value, "ignored: jpqd trains with the arguments given to it")
		case "disable_shape_matching":
			r.warn(m.value, "ignored: NNCF has deprecated it")
		case "input_info", "target_device", "compression", "compression_lr_multiplier", "log_dir":
		default:
			if nearest, distance := nearestKey(m.key, rootKeys); distance <= 3 {
				r.warn(m.value, fmt.Sprintf("unknown key, ignored; did you mean %q?", nearest))
			}
		}
	}
}
