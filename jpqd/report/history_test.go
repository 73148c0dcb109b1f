package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestReadState(t *testing.T) {
	path := filepath.Join(t.TempDir(), stateFile)
	writeFile(t, path, `{
		"best_metric": NaN, "global_step": 20, "max_steps": 30, "log_history": [
		{"step": 20, "loss": 0.25, "note": "NaN and Infinity", "eval": {"accuracy": 1}, "flag": true},
		{"step": 10, "loss": 0.5, "grad_norm": Infinity},
		{"step": 15, "loss": NaN, "learning_rate": -Infinity, "epoch": -1.5},
		{"step": 16, "loss": null, "huge": 1e31}
	], "later": [[1], {"a": "\"NaN"}]}`)
	s, err := readState(path)
	if err != nil {
		t.Fatal(err)
	}
	want := History{"loss": {{10, 0.5}, {20, 0.25}}, "epoch": {{15, -1.5}}}
	if diff := cmp.Diff(want, s.history); diff != "" {
		t.Error(diff)
	}
	if s.globalStep != 20 || s.maxSteps != 30 {
		t.Errorf("found step %v of %v, want 20 of 30", s.globalStep, s.maxSteps)
	}
}

func TestReadStateHostile(t *testing.T) {
	var keys strings.Builder
	for i := range maxKeys + 1 {
		fmt.Fprintf(&keys, `"k%d": 1, `, i)
	}
	for _, test := range []struct{ name, text, message string }{
		{"empty", "", "line 1: unexpected EOF"},
		{"list", "[1]", "found [, want an object"},
		{"number", "17", "found 17, want an object"},
		{"cut short", "{\n\"global_step\": 3,\n", "line 2: unexpected EOF"},
		{"cut in the log", `{"log_history": [{"step": 1}`, "log_history: unexpected EOF"},
		{"no log", `{"global_step": 3}`, "log_history: found none"},
		{"log is text", `{"log_history": "none"}`, "log_history: found none, want a list"},
		{"log is null", `{"log_history": null}`, "log_history: found <nil>, want a list"},
		{"entry is a list", `{"log_history": [{"step": 1}, [2]]}`, "log_history[1]: json: cannot unmarshal array"},
		{"no step", `{"log_history": [{"loss": 1}]}`, "log_history[0].step: found none, want a number of steps"},
		{"entry is null", `{"log_history": [null]}`, "log_history[0].step: found none"},
		{"step is text", `{"log_history": [{"step": "first"}]}`, "log_history[0].step: found first"},
		{"step is NaN", `{"log_history": [{"step": NaN}]}`, "log_history[0].step: found , want"},
		{"negative step", `{"log_history": [{"step": -1}]}`, "log_history[0].step: found -1"},
		{"huge step", `{"log_history": [{"step": 1e300}]}`, "log_history[0].step: found 1e+300"},
		{"no float64", `{"log_history": [{"step": 1e999}]}`, "log_history[0]: json: cannot unmarshal number 1e999"},
		{"global_step is text", `{"global_step": "3", "log_history": []}`, "global_step: json: cannot unmarshal string"},
		{"more than one value", `{"log_history": []} {}`, "found more after the object"},
		{"many keys", `{"log_history": [{` + keys.String() + `"step": 1}]}`, "log_history[0]: found more than 256 different keys"},
		{"deep", strings.Repeat(`{"a":`, 20000), "exceeded max depth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), stateFile)
			writeFile(t, path, test.text)
			_, err := readState(path)
			if err == nil || !strings.Contains(err.Error(), test.message) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("got %v, want %s: …%s…", err, path, test.message)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), stateFile)
		writeFile(t, path, "{")
		if err := os.Truncate(path, maxStateBytes+1); err != nil { // sparse: takes no room on disk
			t.Fatal(err)
		}
		if _, err := readState(path); err == nil || !strings.Contains(err.Error(), "want at most 268435456") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		if _, err := readState(t.TempDir()); err == nil || !strings.Contains(err.Error(), "want a regular file") {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzReadState(f *testing.F) {
	f.Add([]byte(`{"log_history": [{"step": 1, "loss": NaN, "eval_f1": 2, "epoch": 0.5}], "global_step": 1}`))
	f.Add([]byte(`{"log_history": [{"step": 9007199254740992, "loss": 1e30}, {"step": 0, "loss": -1e30}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &state{history: History{}}
		if s.decode(nanToText(data)) != nil {
			return
		}
		r := &Run{History: s.history, Sparse: true, Stages: &Stages{1, 2}}
		figures, err := r.figures()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range figures {
			if _, err := f.svg(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestHistoryAt(t *testing.T) {
	h := History{"x": {{10, 1}, {20, 2}, {20, 3}, {30, 4}}}
	for _, test := range []struct{ step, at, after float64 }{{9, 0, 1}, {10, 1, 2}, {20, 3, 4}, {29, 3, 4}, {30, 4, 0}} {
		at, _ := h.at("x", test.step)
		after, _ := h.after("x", test.step)
		if at.Value != test.at || after.Value != test.after {
			t.Errorf("step %v: at %v, after %v, want %v, %v", test.step, at.Value, after.Value, test.at, test.after)
		}
	}
}
