package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// `jpqd report` shows a run that is done as the run itself did, one that was
// stopped by its checkpoint, and one without compression.
func TestReport(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--do_eval", "--evaluation_strategy", "epoch", "--report_to", "tensorboard", "--save_strategy", "steps", "--save_steps", "4",
		"--nncf_compression_config", w.path("nncf.json"), "--run_name", "tiny run"))
	first, err := os.ReadFile(w.path("out", reportFile))
	w.must(err)
	stdout, stderr := w.run([]string{"report", w.path("out"), "--output", w.path("again.html")})
	again, err := os.ReadFile(w.path("again.html"))
	w.must(err)
	if stdout != w.path("again.html")+"\n" || stderr != "" || !bytes.Equal(first, again) {
		t.Errorf("jpqd report printed %q and %q; its page is that of the run: %t", stdout, stderr, bytes.Equal(first, again))
	}
	for _, want := range []string{"tiny run", "warm-up", "learning_rate", "eval_accuracy", "Attention heads kept", " of 2", " of 64"} {
		if !strings.Contains(string(first), want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	stdout, _ = w.run([]string{"report", w.path("out"), "--format", "png"})
	if n := strings.Count(stdout, w.path("out", "report")+string(filepath.Separator)); n != 5 {
		t.Errorf("%d pictures, want 5:\n%s", n, stdout)
	}
	w.wantFiles("out", "report/trajectory.png", "report/schedule.png", "report/parameters.png", "report/heads.png", "report/neurons.png")

	// What an interrupt leaves: checkpoints only, the last in post-warm-up, the one before in warm-up.
	w.must(os.Mkdir(w.path("stopped"), 0o777))
	for _, checkpoint := range []string{"checkpoint-8", "checkpoint-16"} {
		w.must(os.Rename(w.path("out", checkpoint), w.path("stopped", checkpoint)))
		_, stderr = w.run([]string{"report", w.path("stopped")})
		if !strings.Contains(stderr, "the state of its last checkpoint, "+checkpoint) || !strings.Contains(stderr, " of 18 steps are done") {
			t.Errorf("standard error does not say that the run is not done:\n%s", stderr)
		}
		w.wantFiles("stopped", reportFile)
	}

	w.run(w.train("plain"))
	_, stderr = w.run([]string{"report", w.path("plain"), "--format", "svg", "--output", w.path("pictures")})
	if !strings.Contains(stderr, "not compressed") {
		t.Errorf("standard error: %s", stderr)
	}
	w.wantFiles("pictures", "trajectory.svg", "schedule.svg")

	data, err := os.ReadFile(oneFile(t, w.path("out", "runs", "*", "events.out.tfevents.*")))
	w.must(err)
	for _, want := range []string{"args/text_summary", "| learning_rate | 0.001 |", "compression/layer_00/attention_sparsity", "compression/layer_00/feed_forward_sparsity",
		"compression/layer_00/heads_kept", "compression/layer_00/neurons_kept", "train/loss", "eval/accuracy"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the event file does not contain %q", want)
		}
	}
}

func oneFile(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: found %q, %v, want one file", pattern, found, err)
	}
	return found[0]
}

func TestReportErrors(t *testing.T) {
	dir := t.TempDir()
	empty, broken := filepath.Join(dir, "empty"), filepath.Join(dir, "broken")
	for _, path := range []string{empty, broken} {
		if err := os.Mkdir(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(broken, "trainer_state.json"), []byte(`{"log_history": [{"step": "x"}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"no folder", nil, exitUsage, "found 0 arguments, want one: the output folder of a run"},
		{"two folders", []string{empty, broken}, exitUsage, "found 2 arguments"},
		{"format", []string{empty, "--format", "pdf"}, exitUsage, `--format: found "pdf", want one of html, svg, png`},
		{"no such folder", []string{filepath.Join(dir, "none")}, exitError, "none: no such file"},
		{"a file", []string{filepath.Join(broken, "trainer_state.json")}, exitError, "is a file, want the output folder of a run"},
		{"an empty folder", []string{empty}, exitError, "found no trainer_state.json, no checkpoint and no config.json"},
		{"a broken log", []string{broken}, exitError, "log_history[0].step: found x, want a number of steps"},
	} {
		status, stdout, stderr := runCommand(t, append([]string{"report"}, test.args...)...)
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.message) {
			t.Errorf("%s: status %d, want %d; %q, want …%s…", test.name, status, test.status, stderr, test.message)
		}
	}
	if left, _ := os.ReadDir(empty); len(left) > 0 {
		t.Errorf("a report that failed wrote %v", left)
	}
}
