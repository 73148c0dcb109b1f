package hub

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantBroken checks that a failed fetch shows nothing in the cache.
func wantBroken(t *testing.T, c *Client, f fakeFile) {
	t.Helper()
	for path := range tree(t, c.CacheDir) {
		if strings.HasSuffix(path, f.etag()) || strings.HasSuffix(path, "model.safetensors") || strings.Contains(path, "refs") {
			t.Errorf("found %s after a failed fetch", path)
		}
	}
	offline := *c
	offline.Offline = true
	if dir, err := offline.Resolve(t.Context(), model, ""); err == nil {
		t.Errorf("a failed fetch can be found: %s", dir)
	}
}

func incompleteSize(t *testing.T, c *Client, f fakeFile) int64 {
	t.Helper()
	info, err := os.Stat(repository{c.CacheDir, model}.blob(f.etag()) + ".incomplete")
	if errors.Is(err, os.ErrNotExist) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestResume(t *testing.T) {
	for name, noRange := range map[string]bool{"range": false, "range ignored": true} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			h.noRange = noRange
			h.cut = 1000
			c := h.client(t)
			weights := h.files[commitA]["model.safetensors"]
			_, err := c.Resolve(t.Context(), model, "")
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "received 1000 of 262144 bytes") {
				t.Fatalf("found %v", err)
			}
			wantBroken(t, c, weights)
			if n := incompleteSize(t, c, weights); n != 1000 {
				t.Errorf("kept %d bytes, want 1000", n)
			}
			h.cut = 0
			h.seen()
			dir, err := c.Resolve(t.Context(), model, "")
			if err != nil {
				t.Fatal(err)
			}
			wantModel(t, dir, h.files[commitA])
			// What is there, or is known not to be there, is not asked for again.
			want := []string{"HEAD main/config.json", "HEAD " + commitA + "/model.safetensors",
				"GET " + commitA + "/model.safetensors bytes=1000-", "GET cdn/model.safetensors bytes=1000-"}
			if diff := cmp.Diff(want, h.seen()); diff != "" {
				t.Errorf("requests (-want +found)\n%s", diff)
			}
			if n := incompleteSize(t, c, weights); n != -1 {
				t.Errorf("found %d incomplete bytes after the end", n)
			}
		})
	}
}

// TestResumeLeftovers begins with incomplete files that cannot be continued as
// they are.
func TestResumeLeftovers(t *testing.T) {
	h := newFakeHub(t)
	weights := h.files[commitA]["model.safetensors"]
	for name, tc := range map[string]struct {
		leftover string
		request  string // the last request for the weights
		want     string // part of the error, "" for success
	}{
		"complete":     {weights.content, "HEAD " + commitA + "/model.safetensors", ""},
		"too long":     {weights.content + "x", "GET cdn/model.safetensors", ""},
		"empty":        {"", "GET cdn/model.safetensors", ""},
		"wrong prefix": {"not the content", "GET cdn/model.safetensors bytes=15-", "checksum"},
		"wrong":        {strings.Repeat("x", len(weights.content)), "HEAD " + commitA + "/model.safetensors", "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			c := h.client(t)
			blob := repository{c.CacheDir, model}.blob(weights.etag())
			if err := os.MkdirAll(filepath.Dir(blob), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(blob+".incomplete", []byte(tc.leftover), 0o666); err != nil {
				t.Fatal(err)
			}
			h.seen()
			_, err := c.Resolve(t.Context(), model, "")
			requests := h.seen()
			if last := requests[len(requests)-1]; last != tc.request {
				t.Errorf("found request %q, want %q", last, tc.request)
			}
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("found %v, want %q", err, tc.want)
				}
				wantBroken(t, c, weights)
				_, err = c.Resolve(t.Context(), model, "") // begins anew
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestChecksum(t *testing.T) {
	flip := func(s string) string { return strings.Replace(s, "5", "6", 1) }
	for name, tc := range map[string]struct {
		change func(*fakeHub)
		want   []string
	}{
		"SHA-256": {func(h *fakeHub) { h.deliver = flip },
			[]string{"model.safetensors", "found SHA-256", fakeFile{flip(bertFiles()["model.safetensors"].content), true}.etag()}},
		"git SHA-1": {func(h *fakeHub) { h.header = map[string]string{"ETag": `"` + commitB + `"`} },
			[]string{"config.json", "found git SHA-1", "want " + commitB}},
		"too long":    {func(h *fakeHub) { h.deliver = func(s string) string { return s + "x" } }, []string{"found Content-Length 262145", "want 262144 bytes"}},
		"too short":   {func(h *fakeHub) { h.deliver = func(s string) string { return s[1:] } }, []string{"found Content-Length 262143"}},
		"error page":  {func(h *fakeHub) { h.cdn.Close() }, []string{"connection refused"}},
		"odd ETag":    {func(h *fakeHub) { h.header = map[string]string{"ETag": `"../../../x"`} }, []string{`found ETag "\"../../../x\""`}},
		"no ETag":     {func(h *fakeHub) { h.header = map[string]string{"ETag": ""} }, []string{`found ETag ""`}},
		"odd commit":  {func(h *fakeHub) { h.header = map[string]string{commitHeader: "../../x"} }, []string{`found X-Repo-Commit "../../x"`}},
		"no commit":   {func(h *fakeHub) { h.header = map[string]string{commitHeader: ""} }, []string{"is this a Hugging Face hub?"}},
		"odd size":    {func(h *fakeHub) { h.header = map[string]string{linkedSizeHeader: "-5"} }, []string{`found size "-5"`}},
		"wrong size":  {func(h *fakeHub) { h.header = map[string]string{linkedSizeHeader: "5"} }, []string{"found Content-Length"}},
		"moved":       {func(h *fakeHub) { h.commits[commitA] = commitB; h.files[commitB] = h.files[commitA] }, []string{"want the commit asked for"}},
		"redirection": {func(h *fakeHub) { h.header = map[string]string{linkedEtagHeader: "", "ETag": ""} }, []string{"found ETag"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			tc.change(h)
			c := h.client(t)
			_, err := c.Resolve(t.Context(), model, "")
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("found %q, want it to contain %q", err, part)
				}
			}
			weights := bertFiles()["model.safetensors"]
			wantBroken(t, c, weights)
			if n := incompleteSize(t, c, weights); strings.Contains(err.Error(), "SHA") && n != -1 {
				t.Errorf("kept %d wrong bytes", n)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Progress = func(file string, done, total int64) {
		if file == "model.safetensors" && done > 0 {
			cancel()
		}
	}
	weights := h.files[commitA]["model.safetensors"]
	h.cut = 100_000 // so that the rest cannot arrive at once
	if _, err := c.Resolve(ctx, model, ""); err == nil {
		t.Fatal("no error")
	}
	wantBroken(t, c, weights)
	h.cut = 0
	if _, err := c.Resolve(ctx, model, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, want context.Canceled", err)
	}
	wantBroken(t, c, weights)
	dir, err := c.Resolve(t.Context(), model, "")
	if err != nil {
		t.Fatal(err)
	}
	wantModel(t, dir, h.files[commitA])
}

// TestConcurrent lets several clients fetch the same model into one cache.
func TestConcurrent(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			dir, err := c.Resolve(t.Context(), model, "")
			if err != nil {
				t.Error(err)
				return
			}
			wantModel(t, dir, h.files[commitA])
		})
	}
	wait.Wait()
	downloads := 0
	for _, request := range h.seen() {
		if strings.HasPrefix(request, "GET cdn/") {
			downloads++
		}
	}
	if downloads != 1 {
		t.Errorf("found %d downloads of the weights, want 1", downloads)
	}
}

// TestLockCancelled waits for a lock that another holds.
func TestLockCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x", "y.lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockFile(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, want context.Canceled", err)
	}
	unlock()
	unlock, err = lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
