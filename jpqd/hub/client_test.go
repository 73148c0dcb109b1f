package hub

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree lists a folder: regular files with their contents, links with their
// targets. Long contents and lock files are left out.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			found[name] = "-> " + target
			return err
		}
		content, err := os.ReadFile(path)
		found[name] = string(content[:min(len(content), 40)])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantModel checks the files that a snapshot shows.
func wantModel(t *testing.T, dir string, files map[string]fakeFile) {
	t.Helper()
	for name, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(content) != f.content {
			t.Errorf("%s: found %d bytes, %v, want %d", name, len(content), err, len(f.content))
		}
	}
}

// config.json alone comes without weights, and leaves a cache in which Resolve
// still finds that they are missing.
func TestResolveConfig(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	for range 2 {
		dir, err := c.ResolveConfig(t.Context(), model, "")
		if err != nil {
			t.Fatal(err)
		}
		wantModel(t, dir, map[string]fakeFile{configFile: h.files[commitA][configFile]})
		if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("weights: got %v, want none", err)
		}
	}
	c.Offline = true
	if dir, err := c.ResolveConfig(t.Context(), model, commitA); err != nil || filepath.Base(dir) != commitA {
		t.Errorf("by its commit, offline: found %s, %v", dir, err)
	}
	for _, revision := range []string{"", "other"} {
		if _, err := c.ResolveConfig(t.Context(), model, revision); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("revision %q that is not in the cache, offline: got %v", revision, err)
		}
	}
	c.Offline = false
	if _, err := c.Resolve(t.Context(), model, ""); err != nil {
		t.Fatal(err)
	}
	h.hub.Close()
	if _, err := c.ResolveConfig(t.Context(), model, ""); err != nil {
		t.Errorf("from the cache of the whole model: %v", err)
	}
}

func TestResolveFetches(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	last := map[string]int64{}
	c.Progress = func(file string, done, total int64) {
		if done < last[file] || done > total {
			t.Errorf("progress of %s: found %d after %d, of %d", file, done, last[file], total)
		}
		last[file] = done
	}
	dir, err := c.Resolve(t.Context(), model, "")
	if err != nil {
		t.Fatal(err)
	}
	files := h.files[commitA]
	if want := filepath.Join(c.CacheDir, "models--org--tiny", "snapshots", commitA); dir != want {
		t.Errorf("found %s, want %s", dir, want)
	}
	wantModel(t, dir, files)
	wantRequests := []string{
		"HEAD main/config.json", "GET main/config.json",
		"HEAD " + commitA + "/vocab.txt", "GET " + commitA + "/vocab.txt",
		"HEAD " + commitA + "/tokenizer_config.json",
		"HEAD " + commitA + "/model.safetensors", "GET " + commitA + "/model.safetensors", "GET cdn/model.safetensors",
	}
	if diff := cmp.Diff(wantRequests, h.seen()); diff != "" {
		t.Errorf("requests (-want +found)\n%s", diff)
	}
	if len(h.tokens) > 0 {
		t.Errorf("the token went to the CDN: %v", h.tokens)
	}
	wantTree := map[string]string{
		"refs/main": commitA,
		".no_exist/" + commitA + "/tokenizer_config.json": "",
	}
	for name, f := range files {
		wantTree["blobs/"+f.etag()] = f.content[:min(len(f.content), 40)]
		wantTree["snapshots/"+commitA+"/"+name] = "-> ../../blobs/" + f.etag()
		if last[name] != int64(len(f.content)) {
			t.Errorf("progress of %s: ended with %d, want %d", name, last[name], len(f.content))
		}
	}
	if diff := cmp.Diff(wantTree, tree(t, filepath.Join(c.CacheDir, "models--org--tiny"))); diff != "" {
		t.Errorf("cache (-want +found)\n%s", diff)
	}

	// All further calls do without the network, by branch and by commit.
	h.hub.Close()
	for _, revision := range []string{"", "main", commitA} {
		again, err := c.Resolve(t.Context(), model, revision)
		if err != nil || again != dir {
			t.Errorf("revision %q: found %s, %v, want %s", revision, again, err, dir)
		}
	}
}

func TestResolveFolder(t *testing.T) {
	dir := t.TempDir()
	c := &Client{Offline: true}
	if got, err := c.Resolve(t.Context(), dir, ""); err != nil || got != dir {
		t.Errorf("found %s, %v", got, err)
	}
	t.Chdir(dir)
	if err := os.MkdirAll("org/name", 0o777); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Resolve(t.Context(), "org/name", ""); err != nil || got != "org/name" {
		t.Errorf("found %s, %v", got, err)
	}
}

func TestResolveRevisions(t *testing.T) {
	h := newFakeHub(t)
	h.commits["refs/pr/1"] = commitB
	h.files[commitB] = maps.Clone(h.files[commitA])
	h.files[commitB]["config.json"] = fakeFile{`{"model_type": "bert", "changed": true}`, false}
	c := h.client(t)
	if _, err := c.Resolve(t.Context(), model, "main"); err != nil {
		t.Fatal(err)
	}
	h.seen()
	h.commits[commitB] = commitB
	dir, err := c.Resolve(t.Context(), model, "refs/pr/1")
	if err != nil {
		t.Fatal(err)
	}
	wantModel(t, dir, h.files[commitB])
	requests := h.seen()
	if requests[0] != "HEAD refs%2Fpr%2F1/config.json" {
		t.Errorf("found request %q", requests[0])
	}
	// The other blobs are there already.
	if gets := slices.DeleteFunc(requests, func(r string) bool { return strings.HasPrefix(r, "HEAD") }); len(gets) != 1 {
		t.Errorf("found downloads %q, want that of config.json", gets)
	}
	if ref, err := os.ReadFile(filepath.Join(c.CacheDir, "models--org--tiny", "refs", "refs", "pr", "1")); err != nil || string(ref) != commitB {
		t.Errorf("found reference %q, %v", ref, err)
	}
}

func TestResolveRenamed(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	dir, err := c.Resolve(t.Context(), "old/tiny", "")
	if err != nil {
		t.Fatal(err)
	}
	wantModel(t, dir, h.files[commitA])
}

func TestResolveShards(t *testing.T) {
	h := newFakeHub(t)
	files := h.files[commitA]
	delete(files, "model.safetensors")
	index := fakeFile{`{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}`, false}
	files["model.safetensors.index.json"] = index
	files["model-1.safetensors"] = fakeFile{"one", true}
	c := h.client(t)
	if _, err := c.Resolve(t.Context(), model, ""); err == nil || !strings.Contains(err.Error(), "model-2.safetensors") {
		t.Errorf("missing shard: found %v", err)
	}
	files["model-2.safetensors"] = fakeFile{"two", true}
	if err := os.RemoveAll(c.CacheDir); err != nil { // forget that it was absent
		t.Fatal(err)
	}
	dir, err := c.Resolve(t.Context(), model, "")
	if err != nil {
		t.Fatal(err)
	}
	wantModel(t, dir, files)
	h.seen()
	if _, err := c.Resolve(t.Context(), model, ""); err != nil || len(h.seen()) > 0 {
		t.Errorf("cached shards: found %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "model-2.safetensors")); err != nil {
		t.Fatal(err)
	}
	c.Offline = true
	if _, err := c.Resolve(t.Context(), model, ""); err == nil || !strings.Contains(err.Error(), "found no model-2.safetensors in "+dir) {
		t.Errorf("shard gone: found %v", err)
	}

	c = h.client(t)
	files["model.safetensors.index.json"] = fakeFile{`{"weight_map": {"a": "../../../x.safetensors"}}`, false}
	if _, err := c.Resolve(t.Context(), model, ""); err == nil || !strings.Contains(err.Error(), "weight_map") {
		t.Errorf("hostile index: found %v", err)
	}
}

func TestResolveNotFound(t *testing.T) {
	for name, tc := range map[string]struct {
		change         func(*fakeHub)
		name, revision string
		want           []string // parts of the error
		notExist       bool
	}{
		"model":    {nil, "org/none", "", []string{`model "org/none"`, "/org/none/resolve/main/config.json", "no such model", "401"}, false},
		"revision": {nil, model, "v9", []string{`revision "v9"`, "/org/tiny/resolve/v9/config.json", "no such revision"}, true},
		"config": {func(h *fakeHub) { delete(h.files[commitA], "config.json") }, model, "",
			[]string{"config.json", "the repository has no such file"}, true},
		"weights": {func(h *fakeHub) { delete(h.files[commitA], "model.safetensors") }, model, "",
			[]string{"neither model.safetensors nor model.safetensors.index.json"}, true},
		"pickled": {func(h *fakeHub) {
			delete(h.files[commitA], "model.safetensors")
			h.files[commitA]["pytorch_model.bin"] = fakeFile{"pickle", true}
		}, model, "", []string{"pytorch_model.bin only", "converted"}, true},
		"server": {func(h *fakeHub) { h.hub.Close() }, model, "", []string{`model "org/tiny"`, "connection refused"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			if tc.change != nil {
				tc.change(h)
			}
			c := h.client(t)
			_, err := c.Resolve(t.Context(), tc.name, tc.revision)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("found %q, want it to contain %q", err, part)
				}
			}
			if errors.Is(err, fs.ErrNotExist) != tc.notExist {
				t.Errorf("%v: is fs.ErrNotExist: found %v", err, !tc.notExist)
			}
			for path := range tree(t, c.CacheDir) {
				if strings.Contains(path, "refs") {
					t.Errorf("found %s, want no reference to an incomplete snapshot", path)
				}
			}
		})
	}
}

func TestResolveOffline(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	c.Offline = true
	wantMissing := func(parts ...string) {
		t.Helper()
		_, err := c.Resolve(t.Context(), model, "")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("found %v, want fs.ErrNotExist", err)
			return
		}
		for _, part := range append(parts, "HF_HUB_OFFLINE", model) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("found %q, want it to contain %q", err, part)
			}
		}
	}
	repo := filepath.Join(c.CacheDir, "models--org--tiny")
	wantMissing("refs/main", repo)

	// A reference whose content is not a commit leads nowhere.
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(repo, "refs", "main"), "../../../etc")
	wantMissing("refs/main")

	write(filepath.Join(repo, "refs", "main"), commitA+"\n")
	snapshot := filepath.Join(repo, "snapshots", commitA)
	wantMissing("config.json, model.safetensors", snapshot)
	write(filepath.Join(snapshot, "config.json"), "{}")
	wantMissing("no model.safetensors in " + snapshot)
	write(filepath.Join(snapshot, "model.safetensors"), "x")
	// Files without symbolic links, as on Windows, and without the optional ones.
	if dir, err := c.Resolve(t.Context(), model, ""); err != nil || dir != snapshot {
		t.Errorf("found %s, %v", dir, err)
	}
	if requests := h.seen(); len(requests) > 0 {
		t.Errorf("found requests %q", requests)
	}

	// Online, whether there is a vocabulary has to be asked.
	c.Offline = false
	h.hub.Close()
	if _, err := c.Resolve(t.Context(), model, ""); err == nil || !strings.Contains(err.Error(), "HF_HUB_OFFLINE=1 would use the copy in "+snapshot) {
		t.Errorf("found %v", err)
	}
}

func TestResolveHostileNames(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	refuse := func(name, revision string) {
		t.Helper()
		if dir, err := c.Resolve(context.Background(), name, revision); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q, %q: found %q, %v", name, revision, dir, err)
		}
	}
	for _, name := range []string{
		"", ".", "/", "..x/y", "../tiny", "org/../tiny", "/org/tiny", "org/tiny/", "org//tiny", "a/b/c", `org\tiny`, "./none", "~/none",
		"org/..", "org/.hidden", "-x", "org/-x", "x-", "org/x.", "a--b", "org/a--b", "tiny.git", "org/tiny\x00", "org/tiny\n", "org/tiny?x", "org/tiny#x",
		"org/%2e%2e", "http://host/x", "modèle", strings.Repeat("x", 97),
	} {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue // "." and "/" are folders
		}
		refuse(name, "")
	}
	for _, revision := range []string{"../main", "/main", "a/../b", "main/", "a//b", ".", "refs/.x", "-x", "a b", "main?x", "a\\b", "main\x00", strings.Repeat("x", 256)} {
		refuse(model, revision)
	}
	if found := tree(t, c.CacheDir); len(found) > 0 || len(h.seen()) > 0 {
		t.Errorf("found %v in the cache, want neither files nor requests", found)
	}
}
