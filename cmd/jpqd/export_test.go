package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// The whole way: train, export, and run what was exported.
func TestExport(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--do_eval", "--nncf_compression_config", w.path("nncf.json")))
	stdout, _ := w.run([]string{"export", w.path("out"), "--output_dir", w.path("ov"), "--format", "openvino,onnx"})
	w.wantFiles("ov", "openvino_model.xml", "openvino_model.bin", "config.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
		"openvino_config.json", "README.md", "model.onnx")
	for _, want := range []string{"bert.encoder.layer.0.attention.self.query/matmul", "INT8", " MatMuls in INT8\n", "logits of 3 sequences", "model.onnx, read back: logits differ by ", "openvino_model.bin ("} {
		if !strings.Contains(stdout, want) {
			t.Errorf("standard output does not contain %q:\n%s", want, stdout)
		}
	}
	var record struct {
		Compression []struct{ Algorithm string }
		InputInfo   []struct{ Keyword string } `json:"input_info"`
	}
	data, err := os.ReadFile(w.path("ov", "openvino_config.json"))
	w.must(err)
	w.must(json.Unmarshal(data, &record))
	if len(record.InputInfo) != 3 || len(record.Compression) != 2 || record.Compression[0].Algorithm != "movement_sparsity" {
		t.Errorf("openvino_config.json: found %s", data)
	}
	card, err := os.ReadFile(w.path("ov", "README.md"))
	w.must(err)
	for _, want := range []string{"evaluation: accuracy", "times smaller", "OVModelForSequenceClassification", "| 0 | ", "pipeline_tag: text-classification"} {
		if !strings.Contains(string(card), want) {
			t.Errorf("README.md does not contain %q:\n%s", want, card)
		}
	}
	config, err := bert.LoadConfig(w.path("ov"))
	w.must(err)
	if got := string(config.Extra("finetuning_task")); got != `"sst2"` {
		t.Errorf("config.json: finetuning_task: found %s", got)
	}

	// 1/√16 is exact, so the engine's results are those of the artefact, to the bit.
	test, err := os.ReadFile(w.path("data", "test.tsv"))
	w.must(err)
	var lines strings.Builder
	for _, row := range strings.Split(strings.TrimSpace(string(test)), "\n")[1:] {
		_, sentence, _ := strings.Cut(row, "\t")
		lines.WriteString(sentence + "\n")
	}
	want := w.predictions("out", lines.String(), "--json")
	for _, model := range []string{"ov", "ov/openvino_model.xml", "out/openvino_model.xml"} {
		if got := w.predictions(model, lines.String(), "--json"); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", model, got, want)
		}
	}
	glue := []string{"--task_name", "sst2", "--data_dir", w.path("data")}
	engine := w.evaluate("out", glue...)
	for _, args := range [][]string{nil, {"--engine", "reference"}} {
		var got map[string]any
		stdout, _ := w.run(slices.Concat([]string{"eval", "--json", "--ir", w.path("ov", "openvino_model.xml")}, glue, args))
		w.must(json.Unmarshal([]byte(stdout), &got))
		if math.Abs(got["eval_accuracy"].(float64)-engine["eval_accuracy"].(float64)) > 0.05 { // one of 20
			t.Errorf("%q: found %v, want %v", args, got, engine)
		}
		if args == nil && (got["engine"] != "int8" || got["eval_accuracy"] != engine["eval_accuracy"]) {
			t.Errorf("found %v, want %v", got, engine)
		}
	}
	if stdout, _ := w.run([]string{"bench", "--ir", w.path("ov", "openvino_model.xml"), "--length", "8", "--rounds", "1", "--seconds", "0"}); !strings.Contains(stdout, "int8") {
		t.Errorf("bench: found %s", stdout)
	}

	// Exported again from what was exported it is the same model.
	w.run([]string{"export", w.path("ov"), "--output_dir", w.path("again")})
	for _, name := range []string{"openvino_model.xml", "openvino_model.bin", "config.json", "vocab.txt"} {
		first, err := os.ReadFile(w.path("ov", name))
		w.must(err)
		second, err := os.ReadFile(w.path("again", name))
		w.must(err)
		if string(first) != string(second) {
			t.Errorf("%s: found another file after a second export", name)
		}
	}
}

// Heads that are gone are named in the configuration, and known again.
func TestExportPrunedHeads(t *testing.T) {
	w := newFixture(t)
	tr, err := jpqd.LoadTrained(w.path("teacher"), nil)
	w.must(err)
	l := tr.Model.Layers[0]
	for r := range l.AttentionOutput.Weight.Rows {
		clear(l.AttentionOutput.Weight.Row(r)[:16]) // head 0 contributes nothing
	}
	w.must(tr.Model.Save(w.path("teacher")))
	w.run([]string{"export", w.path("teacher"), "--output_dir", w.path("ov")})
	config, err := bert.LoadConfig(w.path("ov"))
	w.must(err)
	if got := strings.Join(strings.Fields(string(config.Extra("pruned_heads"))), ""); got != `{"0":[0]}` {
		t.Errorf("pruned_heads: found %s", got)
	}
	c, err := compressedIR(w.path("ov", "openvino_model.xml"))
	w.must(err)
	if !slices.Equal(c.Layers[0].Heads, []int{1}) {
		t.Errorf("found heads %v, want 1", c.Layers[0].Heads)
	}
	stdout, _ := w.run([]string{"ir", w.path("ov", "openvino_model.xml")})
	for _, want := range []string{"input_ids, attention_mask, token_type_ids -> logits", "0 of 10 MatMuls in INT8", "no quantizer of activations", "the engine runs it", "MVN"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("jpqd ir: found no %q in\n%s", want, stdout)
		}
	}
}

func TestExportOptions(t *testing.T) {
	w := newFixture(t)
	export := func(out string, args ...string) (r exportReport) {
		t.Helper()
		stdout, _ := w.run(append([]string{"export", w.path("teacher"), "--output_dir", w.path(out), "--json"}, args...))
		w.must(json.Unmarshal([]byte(stdout), &r))
		return r
	}
	full := export("f32")
	half := export("f16", "--ir_precision", "f16", "--batch_size", "2", "--sequence_length", "5")
	if f, h := full.Files["openvino_model.bin"], half.Files["openvino_model.bin"]; h*10 > f*6 {
		t.Errorf("found %d bytes in f16, %d in f32", h, f)
	}
	if full.Checked.Reference > floatTolerance || half.Checked.Reference < full.Checked.Reference || half.Checked.Sequences != 2 {
		t.Errorf("found checks %+v and %+v", full.Checked, half.Checked)
	}
	xml, err := os.ReadFile(w.path("f16", "openvino_model.xml"))
	w.must(err)
	if !strings.Contains(string(xml), `shape="2,5"`) || !strings.Contains(string(xml), `name="decompression"`) {
		t.Error("found no fixed sizes or no constants in f16")
	}
	// A card that is somebody's stays; an earlier one of ours is replaced.
	w.must(os.WriteFile(w.path("f32", "README.md"), []byte("mine"), 0o666))
	export("f32")
	if card, _ := os.ReadFile(w.path("f32", "README.md")); string(card) != "mine" {
		t.Errorf("README.md: found %q", card)
	}
	export("f16")
	if card, _ := os.ReadFile(w.path("f16", "README.md")); !strings.Contains(string(card), "openvino_model.bin") {
		t.Errorf("README.md: found %q", card)
	}
}

// Nothing is written where the check fails, and nothing is lost that was there.
func TestExportRefused(t *testing.T) {
	w := newFixture(t)
	w.run([]string{"export", w.path("teacher"), "--output_dir", w.path("ov")})
	before, err := os.ReadFile(w.path("ov", "openvino_model.xml"))
	w.must(err)
	status, _, stderr := runCommand(t, "export", w.path("teacher"), "--output_dir", w.path("ov"), "--tolerance", "1e-30")
	if status != exitError || !strings.Contains(stderr, "want at most --tolerance = 1e-30; nothing was written") {
		t.Errorf("status %d, %s", status, stderr)
	}
	status, _, stderr = runCommand(t, "export", w.path("teacher"), "--output_dir", w.path("onnx"), "--format", "onnx", "--tolerance", "1e-30")
	if left, _ := filepath.Glob(w.path("onnx", "*")); status != exitError || !strings.Contains(stderr, "of the ONNX file, operation by operation, a logit differs by") || len(left) > 0 {
		t.Errorf("status %d, %s, files %q", status, stderr, left)
	}
	after, err := os.ReadFile(w.path("ov", "openvino_model.xml"))
	w.must(err)
	if string(before) != string(after) {
		t.Error("openvino_model.xml changed")
	}
	if left, _ := filepath.Glob(w.path("ov", ".export-*")); len(left) > 0 {
		t.Errorf("found %q", left)
	}
	w.must(os.WriteFile(w.path("bad.xml"), []byte("<net/>"), 0o666))
	w.must(os.WriteFile(w.path("bad.bin"), nil, 0o666))
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"export", w.path("teacher")}, exitUsage, "--output_dir: found nothing"},
		{[]string{"export", w.path("teacher"), "--output_dir", "x", "--format", "tflite"}, exitUsage, `--format: found "tflite", want openvino or onnx`},
		{[]string{"export", w.path("teacher"), "--output_dir", "x", "--ir_precision", "f64"}, exitUsage, `--ir_precision: found "f64", want f32 or f16`},
		{[]string{"export", w.path("teacher"), "--output_dir", "x", "--batch_size", "-1"}, exitUsage, "--batch_size: found -1"},
		{[]string{"export", w.path("teacher"), "--output_dir", w.path("x"), "--sequence_length", "65"}, exitError, "sequence length of the IR: found 65, want 1 to 64"},
		{[]string{"export", w.path("teacher"), "--output_dir", "x", "--tolerance", "NaN"}, exitUsage, "--tolerance: found NaN"},
		{[]string{"export"}, exitUsage, "found 0 arguments"},
		{[]string{"ir", w.path("teacher")}, exitUsage, "want one .xml file"},
		{[]string{"ir", w.path("bad.xml")}, exitError, `net version: found ""`},
		{[]string{"eval", "--ir", w.path("teacher"), "--task_name", "sst2"}, exitUsage, "want an .xml file"},
		{[]string{"eval", w.path("teacher"), "--ir", w.path("bad.xml")}, exitUsage, "--ir: found it beside MODEL"},
		{[]string{"predict", "--ir", w.path("absent.xml")}, exitError, "absent.xml"},
		{[]string{"predict", w.path("teacher"), "--engine", "reference"}, exitError, "want OpenVINO IR (--ir)"},
		{[]string{"bench", w.path("teacher"), "--ir", w.path("bad.xml")}, exitUsage, "--ir: found it beside MODEL"},
	} {
		status, _, stderr := runCommand(t, test.args...)
		if status != test.status || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: status %d, %s, want %d and %q", test.args, status, stderr, test.status, test.want)
		}
	}
}

// An export replaces an earlier one, and leaves no model beside its configuration.
func TestExportFolder(t *testing.T) {
	w := newFixture(t)
	export := func(out string, args ...string) (status int, stderr string) {
		status, _, stderr = runCommand(t, append([]string{"export", w.path("teacher"), "--output_dir", w.path(out)}, args...)...)
		return status, stderr
	}
	for _, test := range []struct {
		out, format string
		want        string // a part of the error, "" for none
	}{
		{"ov", "openvino", ""},
		{"ov", "onnx", "ov has the openvino_model.xml of a model"},
		{"ov", "openvino,onnx", ""},
		{"ov", "openvino", "ov has the model.onnx of a model, which would be left beside what belongs to another; want another folder, or --format openvino,onnx"},
		{"ov", "onnx", "ov has the openvino_model.xml of a model"},
		{"onnx", "onnx", ""},
		{"onnx", "onnx", ""},
		{"teacher", "openvino", "teacher has the model.safetensors of a model"},
	} {
		status, stderr := export(test.out, "--format", test.format)
		if (status == 0) != (test.want == "") || !strings.Contains(stderr, test.want) {
			t.Errorf("--format %s to %s: status %d, %s, want %q", test.format, test.out, status, stderr, test.want)
		}
	}
	if files, _ := filepath.Glob(w.path("onnx", "openvino*")); len(files) > 0 {
		t.Errorf("--format onnx: found %q", files)
	}
}

// An interrupted export leaves what was there, and nothing of its own.
func TestExportInterrupted(t *testing.T) {
	w := newFixture(t)
	tr, err := jpqd.LoadTrained(w.path("teacher"), nil)
	w.must(err)
	c, err := tr.Compressed()
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, format := range []string{formatOpenVINO, formatONNX} {
		e := &exporter{model: c, dir: w.path("data"), formats: []string{format}}
		if _, err := e.run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: found error %v", format, err)
		}
	}
	w.wantFiles("data", "train.tsv", "dev.tsv", "test.tsv")
	if left, _ := filepath.Glob(w.path("data", "*")); len(left) != 3 {
		t.Errorf("found %q", left)
	}
}

// What NNCF has around the algorithms is not in optimum-intel's record.
func TestAlgorithmsOf(t *testing.T) {
	const list = `[{"algorithm": "quantization"}]`
	for _, source := range []string{list, `{"input_info": {"sample_size": [1, 128]}, "compression": ` + list + `}`} {
		config, err := jpqd.ParseNNCFConfig([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(string(algorithmsOf(config))), ""); got != `[{"algorithm":"quantization"}]` {
			t.Errorf("%s: found %s", source, got)
		}
	}
}

func TestMergeLayers(t *testing.T) {
	product := func(name, reason string) irProduct { return irProduct{Name: name, Precision: "FP32", Reason: reason} }
	got := mergeLayers([]irProduct{
		product("a.layer.0.q", `x "a.layer.0.y"`), product("a.layer.1.q", `x "a.layer.1.y"`), product("a.layer.2.q", "other"),
		product("a.layer.3.q", `x "a.layer.3.y"`), product("head", ""),
	})
	want := []irProduct{product("a.layer.[0–1,3].q", `x "a.layer.*.y"`), product("a.layer.2.q", "other"), product("head", "")}
	if !slices.Equal(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
}
