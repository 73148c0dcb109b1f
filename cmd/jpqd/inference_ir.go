package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
)

func registerIRFlag(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "ir", "", "instead of MODEL: an OpenVINO IR `file`, with its .bin, config.json and tokenizer beside it")
}

// modelOrIR wants one positional argument, or --ir instead.
func modelOrIR(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("ir") {
		if len(args) > 0 {
			return usageErrorf("--ir: found it beside MODEL %q, want one of the two", args[0])
		}
		return nil
	}
	return oneModel(cmd, args)
}

// modelName is the positional argument, or the value of --ir.
func modelName(args []string, ir string) string {
	if len(args) > 0 {
		return args[0]
	}
	return ir
}

// checkIR wants --ir to name a file of layers.
func checkIR(path string) error {
	if path != "" && !isIR(path) {
		return usageErrorf("--ir: found %q, want an .xml file", path)
	}
	return nil
}

// readIR reads a file and the configuration beside it; nil where there is none.
func readIR(path string) (*ir.Model, *bert.Config, error) {
	m, err := ir.Read(path)
	if err != nil {
		return nil, nil, err
	}
	config, err := bert.LoadConfig(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil, nil
	}
	return m, &config, err
}

// compressedIR is the model of a file, for the engine. Which heads are gone is
// what the configuration says, where it says it.
func compressedIR(path string) (*jpqd.Compressed, error) {
	m, config, err := readIR(path)
	if err != nil {
		return nil, err
	}
	c, err := m.Compressed(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if config == nil {
		return c, nil
	}
	pruned, err := prunedHeads(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Dir(path), err)
	}
	for i := range c.Layers {
		var kept []int
		for head := range config.NumAttentionHeads {
			if !slices.Contains(pruned[i], head) {
				kept = append(kept, head)
			}
		}
		if len(kept) == len(c.Layers[i].Heads) {
			c.Layers[i].Heads = kept
		}
	}
	return c, nil
}

// prunedHeadsKey of config.json lists by layer the heads that the weights lack.
const prunedHeadsKey = "pruned_heads"

func prunedHeads(config *bert.Config) (map[int][]int, error) {
	raw := config.Extra(prunedHeadsKey)
	if raw == nil {
		return nil, nil
	}
	var pruned map[int][]int
	if err := json.Unmarshal(raw, &pruned); err != nil {
		return nil, fmt.Errorf("config.json: %s: %w", prunedHeadsKey, err)
	}
	return pruned, nil
}

// prepareReference makes the evaluator of IR ready, which needs no graph that is
// recognised but where there is no configuration.
func (m *trained) prepareReference(batchSize int) (*inference, error) {
	if !isIR(m.file) {
		return nil, fmt.Errorf("--engine %s: found %s, want OpenVINO IR (--ir)", engineReference, m.name())
	}
	model, config, err := readIR(m.file)
	if err != nil {
		return nil, err
	}
	if config == nil {
		c, err := model.Compressed(nil)
		if err != nil {
			return nil, fmt.Errorf("%s: there is no config.json, and of the %w", m.file, err)
		}
		config = &c.Config
	}
	return &inference{config: *config, from: m.file, engine: engineReference, logits: inBatches(batchSize, func(b *bert.Batch, logits []float32) ([]float32, error) {
		part, err := model.Logits(b)
		return append(logits, part...), err
	})}, nil
}
