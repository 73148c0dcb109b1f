package checkpoint

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	value := map[string]any{"b": []int{1, 2}, "a": "<é>", "layer_norm_eps": 1e-12}
	if err := WriteJSON(path, value); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"a\": \"<é>\",\n  \"b\": [\n    1,\n    2\n  ],\n  \"layer_norm_eps\": 1e-12\n}\n"
	if string(got) != want {
		t.Errorf("found %q, want %q", got, want)
	}
	if err := WriteJSON(path, math.NaN()); err == nil {
		t.Error("NaN: no error")
	}
	wantUntouched(t, path, want)
}

func TestReadJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	for name, tc := range map[string]struct {
		text string
		want string // the error behind the path, "" for success
	}{
		"good":       {"{\"hidden_size\": 3}\n", ""},
		"empty":      {"", ":1: byte 0: unexpected end"},
		"cut":        {"{\n\"hidden_size\": 3,\n", ":3: byte 20: unexpected end"},
		"syntax":     {"{\n\"hidden_size\": x\n}", ":2: byte 18: invalid character 'x'"},
		"type":       {"{\n\n\"hidden_size\": \"three\"}", ":3: byte 25: json: cannot unmarshal string"},
		"fraction":   {"{\"hidden_size\": 1.5}", ":1: byte 19: json: cannot unmarshal number 1.5"},
		"two values": {"{}\n{}", ":2: byte 4: invalid character '{' after top-level value"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tc.text), 0o666); err != nil {
				t.Fatal(err)
			}
			var config struct {
				HiddenSize int `json:"hidden_size"`
			}
			err := ReadJSON(path, &config)
			if tc.want == "" {
				if err != nil || config.HiddenSize != 3 {
					t.Errorf("found %v, %v", config, err)
				}
			} else if err == nil || !strings.HasPrefix(err.Error(), path+tc.want) {
				t.Errorf("found %v, want %s%s", err, path, tc.want)
			}
		})
	}
	if err := ReadJSON(filepath.Dir(path), nil); err == nil {
		t.Error("folder: no error")
	}
}
