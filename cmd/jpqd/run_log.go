package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// logFile is where a compressed run keeps its whole log, under the name that
// optimum-intel gave it; each layer's sparsity is only there.
const logFile = "nncf_output.log"

// openLog makes the trainer write its log to the file, too, behind that of
// earlier runs. The caller closes the file, which is nil where nothing is
// compressed.
func (r *trainingRun) openLog() (*os.File, error) {
	if r.nncf == nil {
		return nil, nil
	}
	file, err := os.OpenFile(filepath.Join(r.o.OutputDir, logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("--output_dir: %w", err)
	}
	text := slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug})
	r.trainer.Log = slog.New(slog.NewMultiHandler(r.console.log.Handler(), text))
	return file, nil
}
