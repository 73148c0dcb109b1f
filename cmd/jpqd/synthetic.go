package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

// syntheticOptions name a model of random weights, for commands that can do
// without a trained one.
type syntheticOptions struct{ config, sparsity string }

func (o *syntheticOptions) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "bert-base", "without MODEL: `name` of a well-known model, one of "+strings.Join(synthetic.Configs(), ", "))
	cmd.Flags().StringVar(&o.sparsity, "sparsity", string(synthetic.None), "without MODEL: `kind` of pruning: none (quantizers only), published (heads and neurons with 40 % of the encoder's weights are gone) or unstructured (20 % of attention's 32×32 blocks and 60 % of the neurons are left)")
}

// check refuses what cannot be, and both a model and this.
func (o *syntheticOptions) check(cmd *cobra.Command, model string) error {
	if model != "" {
		for _, name := range []string{"config", "sparsity"} {
			if cmd.Flags().Changed(name) {
				return usageErrorf("--%s: found it beside MODEL %q, want one of the two", name, model)
			}
		}
	}
	if _, err := synthetic.Config(o.config); err != nil {
		return usageErrorf("--config: %w", err)
	}
	if _, err := synthetic.ParseSparsity(o.sparsity); err != nil {
		return usageErrorf("--sparsity: %w", err)
	}
	return nil
}

// parse returns what the flags name.
func (o *syntheticOptions) parse() (config bert.Config, sparsity synthetic.Sparsity, err error) {
	if config, err = synthetic.Config(o.config); err == nil {
		sparsity, err = synthetic.ParseSparsity(o.sparsity)
	}
	return config, sparsity, err
}
