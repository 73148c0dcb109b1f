package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/onnx"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

// Values of --format.
const (
	formatOpenVINO = "openvino"
	formatONNX     = "onnx"
)

// exportOptions are the flags of `jpqd export`.
type exportOptions struct {
	syntheticOptions
	outputDir, precision, tokenizer string
	revision, cacheDir              string
	formats                         []string
	batch, sequence                 int
	tolerance                       float64
	all, asJSON                     bool
}

func newExportCommand(c *console) *cobra.Command {
	o := &exportOptions{}
	cmd := &cobra.Command{
		Use:   "export [MODEL]",
		Short: "Write a model as OpenVINO IR or ONNX, and check what was written",
		Long: `Write a trained model as a folder that OpenVINO, Optimum-Intel's OVModel classes
and benchmark_app load: openvino_model.xml and .bin, config.json, the tokenizer,
openvino_config.json and a model card with the figures. Heads and neurons that
were pruned are gone; integer weights and quantizers stay as they were trained.

Before anything gets its name, the files are read back and run, the graph of the
IR by the engine, which recognises it, and both operation by operation; the
largest differences of logits are printed, with all MatMuls and their precision.
A difference above --tolerance is an error, and nothing is written. A folder with
another model that would stay beside the new one's configuration is refused.

--format onnx writes model.onnx, quantized by QuantizeLinear and DequantizeLinear,
with both names beside the IR. MODEL is the folder of a run, one with a model in
float32, a compressed.safetensors, or another IR; instead, --config exports a
well-known model of random weights.`,
		Example: `  jpqd export jpqd-sst2 --output_dir sst2-openvino
  jpqd export jpqd-sst2 --output_dir sst2-fixed --batch_size 1 --sequence_length 128
  jpqd export bert-sst2 --output_dir sst2-f16 --ir_precision f16 --format openvino,onnx`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && cmd.Flags().Changed("config") {
				return nil
			}
			return oneModel(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			model := modelName(args, "")
			if err := o.check(cmd, model); err != nil {
				return err
			}
			if err := o.checkFolder(); err != nil {
				return err
			}
			return runExport(cmd.Context(), c, o, model)
		},
	}
	f := cmd.Flags()
	o.register(cmd)
	f.StringVar(&o.outputDir, "output_dir", "", "`folder` for the files (needed)")
	f.StringSliceVar(&o.formats, "format", []string{formatOpenVINO}, "`formats` with commas: openvino, onnx")
	f.StringVar(&o.precision, "ir_precision", string(ir.F32), "`type` of weights and biases in the IR that are no integers: f32 or f16")
	f.IntVar(&o.batch, "batch_size", 0, "fixed `number` of sequences (default: any)")
	f.IntVar(&o.sequence, "sequence_length", 0, "fixed `number` of tokens (default: any)")
	f.Float64Var(&o.tolerance, "tolerance", 0, "largest `difference` of a logit (default 0.001, 0.1 for a model with quantizers or in f16)")
	f.BoolVar(&o.all, "all", false, "show the MatMuls of every layer")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	f.StringVar(&o.tokenizer, "tokenizer_name", "", "`folder` of the tokenizer (default: MODEL's)")
	f.StringVar(&o.revision, "model_revision", "main", "`revision` of a model of the hub")
	f.StringVar(&o.cacheDir, "cache_dir", "", "`folder` of the cache of the hub's models")
	return cmd
}

func (o *exportOptions) check(cmd *cobra.Command, model string) error {
	if err := o.syntheticOptions.check(cmd, model); err != nil {
		return err
	}
	for _, format := range o.formats {
		if format != formatOpenVINO && format != formatONNX {
			return usageErrorf("--format: found %q, want %s or %s", format, formatOpenVINO, formatONNX)
		}
	}
	switch precision := ir.ElementType(o.precision); {
	case len(o.formats) == 0:
		return usageErrorf("--format: found nothing, want %s or %s", formatOpenVINO, formatONNX)
	case o.outputDir == "":
		return usageErrorf("--output_dir: found nothing, want a folder")
	case precision != ir.F32 && precision != ir.F16:
		return usageErrorf("--ir_precision: found %q, want %s or %s", o.precision, ir.F32, ir.F16)
	case o.batch < 0:
		return usageErrorf("--batch_size: found %d, want at least 1, or 0 for any", o.batch)
	case o.sequence < 0:
		return usageErrorf("--sequence_length: found %d, want at least 1, or 0 for any", o.sequence)
	case !(o.tolerance >= 0) || math.IsInf(o.tolerance, 0):
		return usageErrorf("--tolerance: found %v, want a number above 0, or 0 for the default", o.tolerance)
	}
	return nil
}

// checkFolder refuses a folder with a model that is not replaced: its
// configuration, tokenizer and card would be those of the one that is exported.
func (o *exportOptions) checkFolder() error {
	for _, f := range []struct{ name, format, want string }{
		{checkpoint.WeightsFile, "", "another folder"},
		{jpqd.CompressedFile, "", "another folder"},
		{ir.XMLName, formatOpenVINO, "another folder, or --format openvino,onnx to replace both"},
		{onnx.Name, formatONNX, "another folder, or --format openvino,onnx to replace both"},
	} {
		if exists(filepath.Join(o.outputDir, f.name)) && !slices.Contains(o.formats, f.format) {
			return fmt.Errorf("--output_dir: %s has the %s of a model, which would be left beside what belongs to another; want %s", o.outputDir, f.name, f.want)
		}
	}
	return nil
}

// runExport reads a model and exports it.
func runExport(ctx context.Context, c *console, o *exportOptions, name string) error {
	e := &exporter{
		dir: o.outputDir, formats: o.formats, tolerance: o.tolerance,
		options: ir.Options{Precision: ir.ElementType(o.precision), Batch: o.batch, Sequence: o.sequence},
	}
	tokenizerDir := o.tokenizer
	if name == "" {
		config, sparsity, err := o.parse()
		if err != nil {
			return err
		}
		e.model, e.from = synthetic.Compressed(config, sparsity, 42), o.config+" of random weights"
	} else {
		found, err := findTrained(ctx, c, name, o.cacheDir, o.revision)
		if err != nil {
			return err
		}
		if e.model, err = found.compressed(); err != nil {
			return err
		}
		e.from, e.source = filepath.Base(filepath.Clean(name)), found.dir
		tokenizerDir = cmp.Or(tokenizerDir, found.dir)
	}
	if tokenizerDir != "" {
		var err error
		if e.tok, err = tokenizer.Load(tokenizerDir); errors.Is(err, fs.ErrNotExist) && o.tokenizer == "" {
			c.log.Warn("the model's folder has no tokenizer: the export has none either", slog.String("folder", tokenizerDir))
		} else if err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.outputDir, 0o777); err != nil {
		return err
	}
	r, err := e.run(ctx)
	if err != nil {
		return err
	}
	if o.asJSON {
		enc := json.NewEncoder(c.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.print(c.out, o.all)
}

// exporter writes a model into a folder.
type exporter struct {
	model     *jpqd.Compressed
	tok       *tokenizer.Tokenizer // nil: none
	from      string               // what the card calls the model
	source    string               // folder of its results and NNCF configuration, or ""
	dir       string               // that is there
	formats   []string
	options   ir.Options
	tolerance float64 // 0: the default
	beside    bool    // dir is the folder of the model's run, which has all but the export
}

// exportReport is what was exported. Its JSON keys are those of --json.
type exportReport struct {
	Dir         string           `json:"output_dir"`
	Files       map[string]int64 `json:"files"`           // bytes of the models' files
	Checked     *exportCheck     `json:"check,omitempty"` // of the IR
	CheckedONNX *onnxCheck       `json:"check_onnx,omitempty"`
	Products    []irProduct      `json:"products,omitempty"`
	Int8        int              `json:"products_in_int8"`
	modelSize   *modelSize
}

// run writes and checks everything in a folder inside that of the export, then
// moves it there, the IR's layers last.
func (e *exporter) run(ctx context.Context) (*exportReport, error) {
	tmp, err := os.MkdirTemp(e.dir, ".export-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	r := &exportReport{Dir: e.dir, Files: map[string]int64{}, modelSize: newModelSize(e.model)}
	if slices.Contains(e.formats, formatOpenVINO) {
		if err := ir.Write(tmp, e.model, e.options); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.checkIR(filepath.Join(tmp, ir.XMLName), r); err != nil {
			return nil, err
		}
		if err := checkpoint.WriteJSON(filepath.Join(tmp, openVINOConfigFile), e.openVINOConfig()); err != nil {
			return nil, err
		}
	}
	if slices.Contains(e.formats, formatONNX) {
		if err := onnx.Write(tmp, e.model, onnx.Options{Batch: e.options.Batch, Sequence: e.options.Sequence}); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.checkONNX(filepath.Join(tmp, onnx.Name), r); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{ir.XMLName, ir.BinName, onnx.Name} {
		if info, err := os.Stat(filepath.Join(tmp, name)); err == nil {
			r.Files[name] = info.Size()
		}
	}
	if e.beside {
		return r, e.place(ctx, tmp)
	}
	config, err := e.model.Config.WithExtra(prunedHeadsKey, headsPruned(e.model))
	if err != nil {
		return nil, err
	}
	if err := config.Save(tmp); err != nil {
		return nil, err
	}
	if e.tok != nil {
		if err := e.tok.Save(tmp); err != nil {
			return nil, err
		}
	}
	if ours, err := ownCard(e.dir); err != nil {
		return nil, err
	} else if ours {
		if err := os.WriteFile(filepath.Join(tmp, cardName), e.card(r), 0o666); err != nil {
			return nil, err
		}
	}
	return r, e.place(ctx, tmp)
}

// place moves the files of tmp into the folder. Until the last, the layers of an
// IR, the folder holds no model: never layers beside constants of another. An
// interruption comes before all or is too late.
func (e *exporter) place(ctx context.Context, tmp string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.SortStableFunc(names, func(a, b string) int {
		last := func(name string) int {
			if name == ir.XMLName {
				return 1
			}
			return 0
		}
		return last(a) - last(b)
	})
	if slices.Contains(names, ir.XMLName) {
		if err := removeFiles(e.dir, ir.XMLName); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(tmp, name), filepath.Join(e.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// openVINOConfigFile is the record that optimum-intel leaves of an export.
const openVINOConfigFile = "openvino_config.json"

// openVINOConfig is what optimum-intel leaves as openvino_config.json, with the
// NNCF configuration of the run where there was one.
func (e *exporter) openVINOConfig() map[string]any {
	var inputs []map[string]any
	for _, keyword := range []string{"input_ids", "token_type_ids", "attention_mask"} {
		if keyword == "token_type_ids" && e.model.Config.TypeVocabSize <= 1 {
			continue
		}
		inputs = append(inputs, map[string]any{"keyword": keyword, "type": "long", "sample_size": []int{max(1, e.options.Batch), cmp.Or(e.options.Sequence, e.model.Config.MaxLength())}})
	}
	record := map[string]any{"input_info": inputs, "save_onnx_model": slices.Contains(e.formats, formatONNX)}
	if nncf, err := jpqd.LoadNNCFConfig(filepath.Join(e.source, jpqd.NNCFConfigFile)); e.source != "" && err == nil {
		record["compression"] = algorithmsOf(nncf)
	}
	return record
}

// algorithmsOf is what optimum-intel calls the compression: the algorithms alone,
// without what NNCF has around them.
func algorithmsOf(c *jpqd.NNCFConfig) json.RawMessage {
	var around struct{ Compression json.RawMessage }
	if err := json.Unmarshal(c.Source, &around); err != nil || around.Compression == nil {
		return c.Source
	}
	return around.Compression
}

// headsPruned lists the heads that layers have lost, by layer; nil for none.
func headsPruned(c *jpqd.Compressed) any {
	pruned := map[int][]int{}
	for i := range c.Layers {
		for head := range c.Config.NumAttentionHeads {
			if !slices.Contains(c.Layers[i].Heads, head) {
				pruned[i] = append(pruned[i], head)
			}
		}
	}
	if len(pruned) == 0 {
		return nil
	}
	return pruned
}

// fileNames lists the models' files that were written.
func (r *exportReport) fileNames() string {
	var names []string
	for _, name := range []string{ir.XMLName, ir.BinName, onnx.Name} {
		if size, ok := r.Files[name]; ok {
			names = append(names, fmt.Sprintf("%s (%d bytes)", name, size))
		}
	}
	return strings.Join(names, ", ")
}
