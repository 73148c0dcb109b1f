package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/jpqd/ir"
)

func newIRCommand(c *console) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "ir FILE",
		Short: "Show an OpenVINO IR: operations, sizes, and which products run in INT8",
		Long: `Read an OpenVINO IR of version 10 or 11 and show its inputs and outputs, its
operations, what its constants take in the file, and its MatMuls: the integers of
their operands, whether OpenVINO's CPU plugin computes them in INT8, and why not
the others. MatMuls of layers that are alike are one line unless --all is given.
The last line says whether the graph is a BERT that the engine of "jpqd eval",
"predict", "serve" and "bench" runs.`,
		Example: `  jpqd ir jpqd-sst2/openvino_model.xml
  jpqd ir openvino_model.xml --all --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !isIR(args[0]) {
				return usageErrorf("found %q, want one .xml file", args)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := inspectIR(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(c.out)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return r.print(c.out, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show the MatMuls of every layer")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// irReport is what `jpqd ir` tells. Its JSON keys are those of --json.
type irReport struct {
	File       string        `json:"file"`
	Inputs     []string      `json:"inputs"`
	Outputs    []string      `json:"outputs"`
	Operations []irOperation `json:"operations"`
	Constants  []irConstants `json:"constants"`
	Bytes      int64         `json:"constant_bytes"`
	Products   []irProduct   `json:"products"`
	Int8       int           `json:"products_in_int8"`
	Engine     string        `json:"engine_error,omitempty"` // why the engine does not run it
}

type irOperation struct {
	Type  string `json:"type"`
	Opset string `json:"version"`
	Count int    `json:"count"`
}

type irConstants struct {
	Type  string `json:"element_type"`
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
}

type irProduct struct {
	Name      string `json:"name"`
	A         string `json:"a,omitempty"` // integers of the operands
	B         string `json:"b,omitempty"`
	Precision string `json:"precision"`
	Reason    string `json:"reason,omitempty"`
}

func inspectIR(path string) (*irReport, error) {
	m, config, err := readIR(path)
	if err != nil {
		return nil, err
	}
	r := &irReport{File: path, Inputs: m.Inputs(), Outputs: m.Outputs()}
	for _, o := range m.Operations() {
		r.Operations = append(r.Operations, irOperation{o.Kind, o.Opset, o.Count})
	}
	for _, s := range m.Constants() {
		r.Constants = append(r.Constants, irConstants{string(s.Type), s.Count, s.Bytes})
		r.Bytes += s.Bytes
	}
	r.Products, r.Int8 = productsOf(m)
	if _, err := m.Compressed(config); err != nil {
		r.Engine = err.Error()
	}
	return r, nil
}

// productsOf lists the products of a model, and counts those in INT8.
func productsOf(m *ir.Model) (list []irProduct, int8s int) {
	for _, p := range m.Products() {
		line := irProduct{Name: p.Name, A: string(p.A), B: string(p.B), Precision: "FP32", Reason: p.Reason}
		if p.Int8 {
			line.Precision = "INT8"
			int8s++
		}
		list = append(list, line)
	}
	return list, int8s
}

func (r *irReport) print(out io.Writer, all bool) error {
	fmt.Fprintf(out, "%s: %s -> %s\n\n", filepath.Base(r.File), strings.Join(r.Inputs, ", "), strings.Join(r.Outputs, ", "))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tversion\tcount\t")
	for _, o := range r.Operations {
		fmt.Fprintf(w, "%s\t%s\t%d\t\n", o.Type, o.Opset, o.Count)
	}
	fmt.Fprintln(w, "\t\t\t\nconstants\tcount\tbytes\t")
	for _, s := range r.Constants {
		fmt.Fprintf(w, "%s\t%d\t%d\t\n", s.Type, s.Count, s.Bytes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printProducts(out, r.Products, r.Int8, all); err != nil {
		return err
	}
	if r.Engine != "" {
		_, err := fmt.Fprintf(out, "the engine does not run it: %s\n", r.Engine)
		return err
	}
	_, err := fmt.Fprintln(out, "the engine runs it: jpqd eval, predict, serve and bench take the file as a model")
	return err
}

// printProducts writes a table of products, those of layers that are alike on one
// line unless all are wanted.
func printProducts(out io.Writer, list []irProduct, int8s int, all bool) error {
	total := len(list)
	if !all {
		list = mergeLayers(list)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MatMul\toperands\tprecision\twhy\t")
	for _, p := range list {
		operands := "-"
		if p.A != "" || p.B != "" {
			operands = orFloat(p.A) + "·" + orFloat(p.B)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", p.Name, operands, p.Precision, p.Reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d MatMuls in INT8\n", int8s, total)
	return err
}

func orFloat(typ string) string {
	if typ == "" {
		return "f32"
	}
	return typ
}

// layerNumber finds the number of a layer in the names of modules.
var layerNumber = regexp.MustCompile(`\blayer[./](\d+)\b`)

// mergeLayers makes one product of those that differ in nothing but the number of
// their layer, in the place of the first.
func mergeLayers(list []irProduct) []irProduct {
	type group struct {
		at     int
		layers []int
	}
	groups := map[irProduct]*group{}
	var merged []irProduct
	for _, p := range list {
		at := layerNumber.FindStringSubmatchIndex(p.Name)
		if at == nil {
			merged = append(merged, p)
			continue
		}
		n, err := strconv.Atoi(p.Name[at[2]:at[3]])
		if err != nil {
			merged = append(merged, p)
			continue
		}
		number := p.Name[at[2]-1 : at[3]]
		key := p
		key.Name = p.Name[:at[2]] + "*" + p.Name[at[3]:]
		key.Reason = strings.ReplaceAll(p.Reason, number, number[:1]+"*")
		if groups[key] == nil {
			groups[key] = &group{at: len(merged)}
			merged = append(merged, key)
		}
		groups[key].layers = append(groups[key].layers, n)
	}
	for key, g := range groups {
		merged[g.at].Name = strings.Replace(key.Name, "*", layerRange(g.layers), 1)
	}
	return merged
}

// layerRange spells ascending numbers: 3, or [0–3,7].
func layerRange(numbers []int) string {
	if len(numbers) == 1 {
		return strconv.Itoa(numbers[0])
	}
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "–" + strconv.Itoa(numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return "[" + strings.Join(parts, ",") + "]"
}
