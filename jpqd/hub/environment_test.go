package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewClient(t *testing.T) {
	home := t.TempDir()
	for name, tc := range map[string]struct {
		env       map[string]string
		wantCache string
	}{
		"default":   {nil, home + "/.cache/huggingface/hub"},
		"XDG":       {map[string]string{"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"},
		"HF_HOME":   {map[string]string{"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}, "/h/hub"},
		"hub cache": {map[string]string{"HF_HOME": "/h", "HF_HUB_CACHE": "/c"}, "/c"},
		"home":      {map[string]string{"HF_HOME": "~/h"}, home + "/h/hub"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE"} {
				t.Setenv(key, tc.env[key])
			}
			t.Setenv("HOME", home)
			if dir, err := defaultCacheDir(); err != nil || dir != filepath.FromSlash(tc.wantCache) {
				t.Errorf("found %s, %v, want %s", dir, err, tc.wantCache)
			}
		})
	}
}

// TestEnvironment fetches with nothing but the environment.
func TestEnvironment(t *testing.T) {
	h := newFakeHub(t)
	home := t.TempDir()
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HF_HOME", home)
	t.Setenv("HF_ENDPOINT", h.hub.URL+"/")
	t.Setenv("HF_TOKEN", "hf_secret\n")
	t.Setenv("HF_HUB_OFFLINE", "")
	dir, err := NewClient().Resolve(t.Context(), model, "")
	if err != nil || dir != filepath.Join(home, "hub", "models--org--tiny", "snapshots", commitA) {
		t.Fatalf("found %s, %v", dir, err)
	}
	for value, want := range map[string]bool{"1": true, "true": true, "0": false, "": false, "no": false} {
		t.Setenv("HF_HUB_OFFLINE", value)
		if got := NewClient().Offline; got != want {
			t.Errorf("HF_HUB_OFFLINE=%q: found %v", value, got)
		}
	}
	t.Setenv("HF_HUB_OFFLINE", "0")
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"huggingface.co", "ftp://host", "https://", "https://host/?x", "://"} {
		t.Setenv("HF_ENDPOINT", endpoint)
		if _, err := NewClient().Resolve(t.Context(), model, ""); err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT: found") {
			t.Errorf("HF_ENDPOINT=%s: found %v", endpoint, err)
		}
	}
}
