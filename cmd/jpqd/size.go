package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/report"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

func newSizeCommand(c *console) *cobra.Command {
	var asJSON bool
	var random syntheticOptions
	cmd := &cobra.Command{
		Use:   "size [MODEL]",
		Short: "Show the bytes of a model by layer, and how much smaller it became",
		Long: `Show what each layer of a model takes as it is deployed (pruned shapes, int8
weights with their scales, blocks that are not zero), in bytes. "float" is how
many times more the same shapes take in float32, "before" how many times more
the part took before compression. MODEL is the folder of a run, one with a model
in float32, a compressed.safetensors or an OpenVINO IR; instead, --config shows a well-known
model of random weights.`,
		Example: `  jpqd size jpqd-sst2
  jpqd size jpqd-sst2/compressed.safetensors --json
  jpqd size --config bert-base --sparsity published`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && cmd.Flags().Changed("config") {
				return nil
			}
			return oneModel(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			model := ""
			if len(args) > 0 {
				model = args[0]
			}
			if err := random.check(cmd, model); err != nil {
				return err
			}
			m, err := sizeOf(cmd.Context(), c, model, &random)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(c.out)
				enc.SetIndent("", "  ")
				return enc.Encode(m)
			}
			return m.print(c)
		},
	}
	random.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// modelSize is what `jpqd size` tells. Its JSON keys are those of --json.
type modelSize struct {
	File       string      `json:"file,omitempty"` // that holds the weights; "" where they are in several
	FileBytes  int64       `json:"file_bytes,omitempty"`
	Parameters int         `json:"parameters"`
	Removed    float64     `json:"weights_removed"` // share of the encoder's Linear weights
	Sparsity   float64     `json:"sparsity"`        // share of them that is gone or zero
	Embeddings partSize    `json:"embeddings"`
	Layers     []layerSize `json:"layers"`
	Head       partSize    `json:"head"`
	Total      partSize    `json:"total"`
}

type partSize struct {
	Bytes      int     `json:"bytes"`
	Float      int     `json:"float32_bytes"`
	Full       int     `json:"uncompressed_bytes"`
	FloatRatio float64 `json:"ratio_float32"`
	Ratio      float64 `json:"ratio_uncompressed"`
}

type layerSize struct {
	partSize
	Heads      int `json:"heads"`
	AllHeads   int `json:"all_heads"`
	Neurons    int `json:"neurons"`
	AllNeurons int `json:"all_neurons"`
	Blocks     int `json:"blocks"` // 32×32, not zero
	AllBlocks  int `json:"all_blocks"`
}

func newPartSize(s report.Share) partSize {
	return partSize{Bytes: s.Bytes, Float: s.Float, Full: s.Full, FloatRatio: s.FloatRatio(), Ratio: s.Ratio()}
}

func newModelSize(c *jpqd.Compressed) *modelSize {
	sizes, shares := report.Measure(c), report.MeasureShares(c)
	m := &modelSize{
		Parameters: sizes.Parameters, Removed: sizes.Removed(), Sparsity: sizes.Sparsity(),
		Embeddings: newPartSize(shares.Embeddings), Head: newPartSize(shares.Head), Total: newPartSize(shares.Total()),
	}
	for i, share := range shares.Layers {
		layer := &sizes.Layers[i]
		m.Layers = append(m.Layers, layerSize{
			partSize: newPartSize(share), Heads: layer.Heads, AllHeads: layer.AllHeads,
			Neurons: layer.Neurons, AllNeurons: layer.AllNeurons, Blocks: share.Blocks, AllBlocks: share.All,
		})
	}
	return m
}

// sizeOf measures a model, or one of random weights where name is empty.
func sizeOf(ctx context.Context, c *console, name string, random *syntheticOptions) (*modelSize, error) {
	if name == "" {
		config, sparsity, err := random.parse()
		if err != nil {
			return nil, err
		}
		return newModelSize(synthetic.Compressed(config, sparsity, 42)), nil
	}
	model, err := findTrained(ctx, c, name, "", "main")
	if err != nil {
		return nil, err
	}
	compressed, err := model.compressed()
	if err != nil {
		return nil, err
	}
	m := newModelSize(compressed)
	if m.File = model.file; m.File == "" && !compressed.Quantized() {
		m.File = filepath.Join(model.dir, checkpoint.WeightsFile)
	}
	if isIR(m.File) {
		m.File = strings.TrimSuffix(m.File, filepath.Ext(m.File)) + ".bin"
	}
	if info, err := os.Stat(m.File); err == nil {
		m.FileBytes = info.Size()
	} else {
		m.File = ""
	}
	return m, nil
}

func (m *modelSize) print(c *console) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name, kept string, p *partSize) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f×\t%.2f×\t\n", name, kept, p.Bytes, p.FloatRatio, p.Ratio)
	}
	fmt.Fprintln(w, "part\theads\tneurons\tblocks\tbytes\tfloat\tbefore\t")
	row("embeddings", "\t\t", &m.Embeddings)
	for i := range m.Layers {
		l := &m.Layers[i]
		row(fmt.Sprintf("layer %d", i), fmt.Sprintf("%d/%d\t%d/%d\t%d/%d", l.Heads, l.AllHeads, l.Neurons, l.AllNeurons, l.Blocks, l.AllBlocks), &l.partSize)
	}
	row("head", "\t\t", &m.Head)
	row("total", "\t\t", &m.Total)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d parameters; of the encoder's Linear weights %.1f%% are removed, %.1f%% removed or zero\n", m.Parameters, 100*m.Removed, 100*m.Sparsity)
	if m.File == "" {
		return nil
	}
	_, err := fmt.Fprintf(c.out, "%s: %d bytes\n", m.File, m.FileBytes)
	return err
}
