package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadModelShards(t *testing.T) {
	a := Tensor{Shape: []int{1}, F32: []float32{1}}
	b := Tensor{Shape: []int{2}, I64: []int64{2, 3}}
	const one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	for name, tc := range map[string]struct {
		weightMap map[string]string
		want      string // part of the error, "" for success
	}{
		"good":            {map[string]string{"a": one, "b": two}, ""},
		"wrong shard":     {map[string]string{"a": two, "b": two}, `tensor "a": not found`},
		"swapped":         {map[string]string{"a": two, "b": one}, `tensor "a": found here, want it in "` + two},
		"not in index":    {map[string]string{"x": one, "b": two}, `tensor "a": found here, want it in ""`},
		"not in shard":    {map[string]string{"a": one, "b": two, "c": two}, `tensor "c": not found`},
		"missing shard":   {map[string]string{"a": one, "b": "model-3.safetensors"}, "model-3.safetensors: no such file, want it as"},
		"empty":           {nil, "found no tensors"},
		"parent folder":   {map[string]string{"a": "../" + one}, `weight_map: "a": found "../`},
		"absolute":        {map[string]string{"a": "/etc/x.safetensors"}, `weight_map: "a"`},
		"backslash":       {map[string]string{"a": `..\x.safetensors`}, `weight_map: "a"`},
		"other file":      {map[string]string{"a": "config.json"}, `weight_map: "a"`},
		"hidden":          {map[string]string{"a": ".safetensors"}, `weight_map: "a"`},
		"end of a string": {map[string]string{"a": "a\x00.safetensors"}, `weight_map: "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for shard, tensors := range map[string]map[string]Tensor{one: {"a": a}, two: {"b": b}} {
				if err := Write(filepath.Join(dir, shard), &File{Tensors: tensors}); err != nil {
					t.Fatal(err)
				}
			}
			if err := WriteJSON(filepath.Join(dir, IndexFile), Index{tc.weightMap}); err != nil {
				t.Fatal(err)
			}
			f, err := ReadModel(dir)
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("found %v, which means that there is no model", err)
			}
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), dir) {
					t.Errorf("found %v, want the path and %q", err, tc.want)
				}
				return
			}
			want := &File{map[string]Tensor{"a": a, "b": b}, map[string]string{"format": "pt"}}
			if diff := cmp.Diff(want, f); diff != "" || err != nil {
				t.Errorf("error %v (-want +found)\n%s", err, diff)
			}
		})
	}
}

func TestReadModelMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadModel(dir)
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "pytorch") {
		t.Errorf("empty folder: found %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pytorch_model.bin"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadModel(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "pytorch_model.bin") {
		t.Errorf("pickled weights: found %v", err)
	}
	link := filepath.Join(dir, WeightsFile)
	if err := os.Symlink("gone", link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadModel(dir); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), link) {
		t.Errorf("link to nothing: found %v", err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	// A whole file comes before an index, and a broken one is not skipped.
	if err := os.WriteFile(filepath.Join(dir, WeightsFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadModel(dir); err == nil || !strings.Contains(err.Error(), "found 0 bytes") {
		t.Errorf("broken file: found %v", err)
	}
}

func TestF32(t *testing.T) {
	f := &File{Tensors: map[string]Tensor{
		"w": {Shape: []int{1, 2}, F32: []float32{1, 2}},
		"i": {Shape: []int{1}, I64: []int64{1}},
		"s": {Shape: []int{}, F32: []float32{3}},
		"?": {},
	}}
	for name, tc := range map[string]struct {
		tensor string
		shape  []int
		want   string
	}{
		"good":      {"w", []int{1, 2}, ""},
		"scalar":    {"s", nil, ""},
		"shape":     {"w", []int{2, 1}, `tensor "w": found shape [1 2], want [2 1]`},
		"rank":      {"w", []int{2}, `tensor "w": found shape [1 2], want [2]`},
		"missing":   {"v", []int{2}, `tensor "v": not found among 4 tensors, want shape [2]`},
		"type":      {"i", []int{1}, `tensor "i": found I64 elements, want F32`},
		"undefined": {"?", nil, `tensor "?": found no elements, want F32`},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := f.F32(tc.tensor, tc.shape...)
			if tc.want == "" {
				if err != nil || &x[0] != &f.Tensors[tc.tensor].F32[0] {
					t.Errorf("found %v, %v", x, err)
				}
			} else if err == nil || err.Error() != tc.want {
				t.Errorf("found %v, want %q", err, tc.want)
			}
		})
	}
}
