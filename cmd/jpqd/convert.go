package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Values of --torch_dtype, as config.json spells them.
const (
	dtypeFloat32  = "float32"
	dtypeBFloat16 = "bfloat16"
)

// tokenizerFiles are what a folder may have of a tokenizer.
var tokenizerFiles = []string{"vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"}

func newConvertCommand(c *console) *cobra.Command {
	var dir, dtype string
	cmd := &cobra.Command{
		Use:   "convert FOLDER",
		Short: "Write a Hugging Face folder with its weights in another type",
		Long: `Write the folder of a model, whatever its head, with the weights in one file of
bfloat16, half as long, or of float32: model.safetensors, config.json with
torch_dtype, and the tokenizer's files. Every command reads both. Weights are
rounded to the nearest bfloat16, half to even. Of a compressed model they are the
weights alone, without masks and quantizers; jpqd export writes those too.`,
		Example: `  jpqd convert bert-mini-reports --output_dir bert-mini-reports-bf16`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("found %d arguments, want one: a model's folder", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case dir == "":
				return usageErrorf("--output_dir: found nothing, want a folder")
			case dtype != dtypeFloat32 && dtype != dtypeBFloat16:
				return usageErrorf("--torch_dtype: found %q, want %s or %s", dtype, dtypeFloat32, dtypeBFloat16)
			}
			return convert(c, args[0], dir, dtype)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "output_dir", "", "`folder` for the files (needed)")
	f.StringVar(&dtype, "torch_dtype", dtypeBFloat16, "`type` of the weights: bfloat16 or float32")
	return cmd
}

// convert writes the folder from as the folder to.
func convert(c *console, from, to, dtype string) error {
	if isCompressed(to) {
		return fmt.Errorf("%s: found %s of a compressed model, whose masks and quantizers are not those of other weights; want another folder", to, jpqd.NNCFConfigFile)
	}
	if isCompressed(from) {
		c.log.Warn("the folder holds a compressed model; its weights alone are written, without masks and quantizers", slog.String("folder", from))
	}
	weights, err := checkpoint.ReadModel(from)
	if err != nil {
		return err
	}
	var config map[string]json.RawMessage
	if err := checkpoint.ReadJSON(filepath.Join(from, "config.json"), &config); err != nil {
		return err
	}
	if config == nil {
		return fmt.Errorf("%s: found null, want an object", filepath.Join(from, "config.json"))
	}
	config["torch_dtype"], _ = json.Marshal(dtype)
	if _, ok := config["dtype"]; ok { // as newer versions of transformers call it, and prefer
		config["dtype"] = config["torch_dtype"]
	}
	parameters := 0
	for name, t := range weights.Tensors {
		t.Half = dtype == dtypeBFloat16 && t.F32 != nil
		weights.Tensors[name] = t
		parameters += len(t.F32)
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, name := range tokenizerFiles {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := renameio.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(to, name), err)
		}
	}
	if err := checkpoint.WriteJSON(filepath.Join(to, "config.json"), config); err != nil {
		return err
	}
	// The weights come last: a folder that has them has all.
	if err := checkpoint.Write(filepath.Join(to, checkpoint.WeightsFile), weights); err != nil {
		return err
	}
	c.log.Info("converted", slog.String("folder", to), slog.String("torch_dtype", dtype), slog.Int("parameters", parameters))
	return nil
}
