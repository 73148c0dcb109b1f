package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

// events writes what happens in training to TensorBoard's file, up to the first
// error. A nil *events writes nothing.
type events struct {
	writer  *report.EventWriter
	trainer *jpqd.Trainer
	stage   string // of movement sparsity, at the last step
	err     error
}

// openEvents creates the event file below output_dir/runs and writes the
// arguments; nil without --report_to tensorboard.
func (r *trainingRun) openEvents() (*events, error) {
	if !slices.Contains(r.o.reporters(), "tensorboard") {
		return nil, nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	// The folder's name is transformers' default_logdir.
	name := time.Now().Format("Jan02_15-04-05") + "_" + host
	w, err := report.NewEventWriter(filepath.Join(r.o.OutputDir, "runs", name))
	if err != nil {
		return nil, err
	}
	return &events{writer: w, trainer: r.trainer, err: w.Text(0, "args", argumentsTable(arguments(r.flags)))}, nil
}

// argumentsTable is a table in Markdown of the arguments that have a value.
func argumentsTable(args map[string]any) string {
	var table strings.Builder
	table.WriteString("| argument | value |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if args[name] == nil {
			continue
		}
		value, err := json.Marshal(args[name])
		if err != nil {
			value = fmt.Append(nil, args[name]) // infinite, which no flag's check lets through
		}
		fmt.Fprintf(&table, "| %s | %s |\n", name, strings.ReplaceAll(string(value), "|", `\|`))
	}
	return table.String()
}

// log is [jpqd.Trainer.OnLog]. With the losses go the sparsities of the layers.
func (e *events) log(entry jpqd.LogEntry) {
	if e == nil || e.err != nil {
		return
	}
	e.err = e.writer.Log(entry)
	if step, ok := entry["step"].(int); ok && entry["loss"] != nil && e.err == nil {
		e.err = e.writer.Layers(int64(step), e.trainer.LayerMasks())
	}
}

// step is [jpqd.Trainer.OnStep]. When the stage of movement sparsity changes it
// writes what is left of the layers.
func (e *events) step(p jpqd.Progress) {
	if e == nil || e.err != nil || p.Stage == e.stage {
		return
	}
	e.stage = p.Stage
	e.err = e.writer.Layers(int64(p.Step), e.trainer.LayerMasks())
}

// close returns the first error.
func (e *events) close() error {
	if e == nil {
		return nil
	}
	return errors.Join(e.err, e.writer.Close())
}
