package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tinyDemo is the demo in a second: too little to learn anything.
func tinyDemo() demoSizes {
	s := demoDefaults()
	s.Hidden, s.Layers, s.Heads, s.Intermediate = 32, 1, 2, 64
	s.Train, s.Dev, s.BatchSize = 64, 24, 8
	s.TeacherEpochs, s.StudentEpochs, s.Rounds = 1, 3, 2
	s.NNCF = tinyNNCF()
	return s
}

func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	var stdout, stderr bytes.Buffer
	for range 2 { // the second run writes over the first
		stdout.Reset()
		if err := runDemo(context.Background(), newConsole(&stdout, &stderr), dir, 42, tinyDemo()); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
	}
	for _, want := range []string{"FP32", "JPQD", "dev accuracy", "weights on disk", "times smaller", "sequences/s", "layer 0 heads", "layer 0 neurons",
		"encoder Linear weights", "removed", "sparsity", filepath.Join(dir, "jpqd", "openvino_model.xml"), "total time"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the table does not contain %q:\n%s", want, stdout.String())
		}
	}
	for _, name := range []string{"fp32/model.safetensors", "fp32/vocab.txt", "jpqd/openvino_model.bin", "jpqd/compressed.safetensors", "jpqd/structured_sparsity.csv", "jpqd/report.html", "jpqd/vocab.txt"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestDemoInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"demo", "--output_dir", t.TempDir()}, &stdout, &stderr)
	if status != exitInterrupted || stdout.Len() > 0 {
		t.Errorf("status %d, want %d\n%s%s", status, exitInterrupted, stdout.String(), stderr.String())
	}
}
