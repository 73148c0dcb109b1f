package main

import (
	"os"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/kernels"
)

// A folder in bfloat16 is half as long, has every weight rounded, and is read by
// the other commands; back in float32 it stays rounded.
func TestConvert(t *testing.T) {
	w := newFixture(t)
	w.run([]string{"convert", w.path("teacher"), "--output_dir", w.path("half")})
	w.run([]string{"convert", w.path("half"), "--output_dir", w.path("back"), "--torch_dtype", "float32"})
	read := func(name string) *checkpoint.File {
		f, err := checkpoint.ReadModel(w.path(name))
		w.must(err)
		return f
	}
	size := func(name string) int64 {
		info, err := os.Stat(w.path(name, checkpoint.WeightsFile))
		w.must(err)
		return info.Size()
	}
	whole, half, back := read("teacher"), read("half"), read("back")
	for name, tensor := range whole.Tensors {
		for i, v := range tensor.F32 {
			want := kernels.ToBF16(v).Float32()
			if half.Tensors[name].F32[i] != want || back.Tensors[name].F32[i] != want {
				t.Fatalf("%s[%d]: found %v and %v, want %v", name, i, half.Tensors[name].F32[i], back.Tensors[name].F32[i], want)
			}
		}
	}
	if 2*size("half") > size("teacher")+10000 || size("back") != size("teacher") {
		t.Errorf("found %d bytes in bfloat16, %d back in float32, want half of %d and as many", size("half"), size("back"), size("teacher"))
	}
	var config struct {
		Type string `json:"torch_dtype"`
	}
	w.must(checkpoint.ReadJSON(w.path("half", "config.json"), &config))
	if config.Type != "bfloat16" {
		t.Errorf("found torch_dtype %q", config.Type)
	}
	w.run([]string{"eval", w.path("half"), "--tokenizer_name", w.path("model"), "--task_name", "sst2", "--data_dir", w.path("data")})

	w.must(os.Mkdir(w.path("null"), 0o777))
	w.must(os.Link(w.path("half", checkpoint.WeightsFile), w.path("null", checkpoint.WeightsFile)))
	w.must(os.WriteFile(w.path("null", "config.json"), []byte("null"), 0o666))
	w.must(os.Mkdir(w.path("compressed"), 0o777))
	w.must(os.WriteFile(w.path("compressed", "nncf_config.json"), tinyNNCF(), 0o666))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"convert", w.path("null"), "--output_dir", w.path("x")}, "config.json: found null, want an object"},
		{[]string{"convert", w.path("teacher"), "--output_dir", w.path("compressed")}, "found nncf_config.json of a compressed model"},
		{[]string{"convert"}, "found 0 arguments"},
		{[]string{"convert", w.path("teacher")}, "--output_dir: found nothing"},
		{[]string{"convert", w.path("teacher"), "--output_dir", w.path("x"), "--torch_dtype", "int8"}, `--torch_dtype: found "int8", want float32 or bfloat16`},
		{[]string{"convert", w.path("nothing"), "--output_dir", w.path("x")}, "nothing"},
	} {
		if status, _, stderr := runCommand(t, test.args...); status == 0 || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: found status %d and %s, want %s", test.args[1:], status, stderr, test.want)
		}
	}
	if _, err := os.Stat(w.path("x")); err == nil {
		t.Error("found a folder after errors")
	}
}

// The configuration of newer versions of transformers says the type in another
// place; a compressed model is not what is written of it.
func TestConvertTellsWhatItWrites(t *testing.T) {
	w := newFixture(t)
	config := map[string]any{}
	w.must(checkpoint.ReadJSON(w.path("teacher", "config.json"), &config))
	config["dtype"] = "float32"
	w.must(checkpoint.WriteJSON(w.path("teacher", "config.json"), config))
	w.must(os.WriteFile(w.path("teacher", "nncf_config.json"), tinyNNCF(), 0o666))
	w.must(os.WriteFile(w.path("teacher", "merges.txt"), []byte("a b\n"), 0o666))
	_, stderr := w.run([]string{"convert", w.path("teacher"), "--output_dir", w.path("half")})
	if !strings.Contains(stderr, "without masks and quantizers") {
		t.Errorf("found %s, want a warning of masks and quantizers", stderr)
	}
	w.must(checkpoint.ReadJSON(w.path("half", "config.json"), &config))
	if config["dtype"] != "bfloat16" || config["torch_dtype"] != "bfloat16" {
		t.Errorf("found dtype %q and torch_dtype %q, want bfloat16", config["dtype"], config["torch_dtype"])
	}
	w.wantFiles("half", "config.json", checkpoint.WeightsFile, "merges.txt")
}
