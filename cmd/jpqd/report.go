package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

// reportFile is the page's name in the folder of a run.
const reportFile = "report.html"

// reportFormats are the values of --format.
var reportFormats = []string{"html", "svg", "png"}

func newReportCommand(c *console) *cobra.Command {
	output, format := "", "html"
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Show a run: sparsity, losses, metrics, and what is left of each layer",
		Long: `Write one HTML page about a run from its output folder: sparsity, threshold and
regularisation factor over the steps, losses and metrics, parameters, heads and
neurons kept in each layer. The run may be done, still going or stopped; then its
last checkpoint is shown. The page needs no other file and no network.

--format svg or png writes the pictures alone, into files of the folder
DIR/report.`,
		Example: `  jpqd report jpqd-sst2
  jpqd report jpqd-sst2 --output sst2.html
  jpqd report jpqd-sst2 --format png --output pictures`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("found %d arguments, want one: the output folder of a run", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(reportFormats, format) {
				return usageErrorf("--format: found %q, want one of %s", format, strings.Join(reportFormats, ", "))
			}
			return runReport(c, args[0], output, format)
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "`file` of the page (default DIR/report.html), or folder of the pictures (default DIR/report)")
	cmd.Flags().StringVar(&format, "format", format, "`html`: one page; svg or png: the pictures alone")
	return cmd
}

func runReport(c *console, dir, output, format string) error {
	r, err := report.Read(dir, nil)
	if err != nil {
		return err
	}
	for _, note := range r.Notes {
		c.log.Warn(note)
	}
	var written []string
	if format == "html" {
		if output == "" {
			output = filepath.Join(dir, reportFile)
		}
		written, err = []string{output}, r.WriteHTML(output)
	} else {
		if output == "" {
			output = filepath.Join(dir, "report")
		}
		written, err = r.WritePictures(output, format)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, strings.Join(written, "\n"))
	return err
}

// writeReport writes the page of a run that is done, whose trainer holds the model.
func writeReport(c *console, dir string, t *jpqd.Trainer) error {
	r, err := report.Read(dir, t)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, reportFile)
	if err := r.WriteHTML(path); err != nil {
		return err
	}
	c.log.Info("report", slog.String("file", path))
	return nil
}
