package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// runCommand runs a command line in this process.
func runCommand(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	status = run(ctx, args, &out, &errs)
	return status, out.String(), errs.String()
}

// Errors are one line, and the exit status tells a wrong command line from a failure.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(full, 0o777); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data.csv")
	for path, text := range map[string]string{
		filepath.Join(full, "file"):    "x",
		data:                           "sentence,label\ngood film,1\nbad film,0\n",
		filepath.Join(dir, "bad.json"): `{"compression": [{"algorithm": "movement_sparsity", "params": {}}]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	// glue is a command line that is right but for its model, which does not exist.
	glue := func(more ...string) []string {
		return append([]string{"glue", "--model_name_or_path", filepath.Join(dir, "no-model"), "--output_dir", out,
			"--train_file", data, "--validation_file", data, "--do_train"}, more...)
	}
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"unknown command", []string{"gleu"}, 2, `unknown command "gleu", want one of bench, convert, demo, eval, export, glue, info, ir, mlm, predict, qa, report, scopes, serve, size, version; did you mean "glue"?`},
		{"unknown flag", []string{"glue", "--learning_rat", "1"}, 2, "unknown flag --learning_rat, did you mean --learning_rate?"},
		{"unknown flag of info", []string{"info", "--jsn"}, 2, "did you mean --json?"},
		{"argument", []string{"info", "x"}, 2, `unexpected argument "x"`},
		{"flag like no other", []string{"glue", "--disable_tqdm"}, 2, "unknown flag --disable_tqdm\n"},
		{"flag with one dash", []string{"glue", "-learning_rate=1"}, 2, "unknown flag -learning_rate, did you mean --learning_rate?"},
		{"number", []string{"glue", "--max_steps", "many"}, 2, `--max_steps: found "many", want a whole number`},
		{"boolean", []string{"glue", "--do_train=maybe"}, 2, `--do_train: found "maybe", want true or false`},
		{"a file of arguments and more", []string{"glue", "a.json", "--seed", "1"}, 2, "must be the only argument"},
		{"a file of arguments and more, of qa", []string{"qa", "a.json", "--seed", "1"}, 2, "must be the only argument"},
		{"flag without value", []string{"glue", "--output_dir"}, 2, "output_dir"},
		{"nothing required given", []string{"glue"}, 2, "required: --model_name_or_path, --output_dir"},
		{"nothing to do", []string{"glue", "--model_name_or_path", "m", "--output_dir", out}, 2, "nothing to do"},
		{"no JSON file", []string{"glue", filepath.Join(dir, "none.json")}, 1, "none.json"},
		{"no task", []string{"glue", "--model_name_or_path", "m", "--output_dir", out, "--do_train"}, 2, "--task_name"},
		{"unknown task", []string{"glue", "--model_name_or_path", "m", "--output_dir", out, "--do_train", "--task_name", "sst3"}, 2, "--task_name: unknown task"},
		{"no data", []string{"glue", "--model_name_or_path", "m", "--output_dir", out, "--do_train", "--task_name", "sst2"}, 2, "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip"},
		{"no data folder", []string{"glue", "--model_name_or_path", "m", "--output_dir", out, "--do_train", "--task_name", "sst2", "--data_dir", filepath.Join(dir, "none")}, 1, "--data_dir: "},
		{"data folder without task", glue("--data_dir", dir), 2, "--data_dir needs --task_name"},
		{"data set of the hub", glue("--dataset_name", "imdb"), 2, "data sets are not downloaded"},
		{"no test file", glue("--do_predict"), 2, "--test_file"},
		{"unknown optimizer", glue("--optim", "adamw_torhc"), 2, `did you mean "adamw_torch"?`},
		{"schedule", glue("--lr_scheduler_type", "cosine"), 2, "--lr_scheduler_type"},
		{"strategy", glue("--evaluation_strategy", "sometimes"), 2, "--evaluation_strategy"},
		{"logging strategy", glue("--logging_strategy", "sometimes"), 2, "--logging_strategy"},
		{"distillation weight", glue("--distillation_weight", "1.5"), 2, "--distillation_weight"},
		{"no examples", glue("--max_train_samples", "0"), 2, "--max_train_samples"},
		{"short sequences", glue("--max_seq_length", "2"), 2, "--max_seq_length"},
		{"no configuration", glue("--nncf_compression_config", filepath.Join(dir, "none.json")), 1, "--nncf_compression_config: "},
		{"wrong configuration", glue("--nncf_compression_config", filepath.Join(dir, "bad.json")), 1, "bad.json"},
		{"output folder in use", glue("--output_dir", full), 1, "already exists and is not empty; use --overwrite_output_dir"},
		{"output folder is a file", glue("--output_dir", data), 1, "--output_dir"},
		{"no checkpoint folder", glue("--resume_from_checkpoint", filepath.Join(dir, "none")), 1, "--resume_from_checkpoint"},
		{"no checkpoint", glue("--resume_from_checkpoint", "true"), 1, "found no complete checkpoint"},
		{"no model", glue(), 1, "--model_name_or_path: "},
		{"no model, with a name that the hub may know", glue("--model_name_or_path", "no-model"), 1, `there is no folder "no-model"`},
		{"model is a file", glue("--model_name_or_path", data), 1, "is a file, want the folder"},
		{"no training file", glue("--train_file", filepath.Join(dir, "none.csv")), 1, "--train_file: "},
		{"metric", glue("--metric_for_best_model", "f2"), 2, `--metric_for_best_model: found "f2", want one of accuracy, loss, task_loss`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HF_HUB_OFFLINE", "1")
			status, _, stderr := runCommand(t, test.args...)
			if status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			last := stderr[strings.LastIndex(strings.TrimSuffix(stderr, "\n"), "\n")+1:]
			if !strings.HasPrefix(last, "jpqd: ") || !strings.Contains(last, test.message) {
				t.Errorf("got %q, want jpqd: …%s…", last, test.message)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("the output folder was made before the command line was found right")
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"help"}} {
		status, stdout, _ := runCommand(t, args...)
		if status != 0 || !strings.Contains(stdout, "glue") || !strings.Contains(stdout, "demo") {
			t.Errorf("jpqd %q: status %d, output %q", args, status, stdout)
		}
	}
	status, stdout, _ := runCommand(t, "glue", "--help")
	if status != 0 || !strings.Contains(stdout, "--nncf_compression_config file") {
		t.Errorf("jpqd glue --help: status %d, output %q", status, stdout)
	}
	_, short, _ := runCommand(t, "version")
	_, long, _ := runCommand(t, "--version")
	if short != long || !strings.HasPrefix(short, "jpqd ") {
		t.Errorf("jpqd version prints %q, jpqd --version %q", short, long)
	}
}

func TestInfo(t *testing.T) {
	status, stdout, _ := runCommand(t, "info")
	if status != 0 || !strings.Contains(stdout, runtime.Version()) || !strings.Contains(stdout, "instruction set") {
		t.Errorf("status %d, output %q", status, stdout)
	}
	status, stdout, _ = runCommand(t, "info", "--json")
	var m machine
	if err := json.Unmarshal([]byte(stdout), &m); err != nil || status != 0 {
		t.Fatalf("status %d, error %v", status, err)
	}
	if m.GOMAXPROCS != runtime.GOMAXPROCS(0) || m.ISA == "" || len(m.Kernels) == 0 {
		t.Errorf("got %+v", m)
	}
	for _, level := range m.Higher {
		if level.Reason == "" {
			t.Errorf("%s is not in use, and there is no reason", level.ISA)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"trian": "train", "": "a", "evaluat": "evaluate", "predict": "predict"} {
		if got := nearest(word, []string{"train", "evaluate", "predict", "a"}); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"kitten", "sitting", 3}, {"abc", "", 3}, {"", "ab", 2}, {"flaw", "lawn", 2}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
