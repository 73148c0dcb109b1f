package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	model   = "org/tiny"
)

// fakeFile is a file of the fake hub. A large one is delivered by a second
// server, as those in Git LFS are.
type fakeFile struct {
	content string
	large   bool
}

func (f fakeFile) etag() string {
	if f.large {
		sum := sha256.Sum256([]byte(f.content))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(f.content), f.content))
	return hex.EncodeToString(sum[:])
}

// fakeHub is a hub with one model and a content delivery network. Fields may be
// changed between requests.
type fakeHub struct {
	t        *testing.T
	hub, cdn *httptest.Server
	commits  map[string]string              // revision -> commit
	files    map[string]map[string]fakeFile // commit -> name -> file
	header   map[string]string              // overrides headers of the hub's answers
	noRange  bool                           // the CDN ignores Range
	cut      int                            // the CDN breaks bodies off after so many bytes; 0: never
	deliver  func(string) string            // what the CDN makes of a content; nil: as it is

	mu       sync.Mutex
	requests []string // "HEAD main/config.json", "GET cdn/model.safetensors bytes=5-"
	tokens   []string // Authorization headers seen by the CDN
}

// bertFiles is a small model. The weights are long enough to be cut.
func bertFiles() map[string]fakeFile {
	return map[string]fakeFile{
		"config.json":       {`{"model_type": "bert"}`, false},
		"vocab.txt":         {"[PAD]\n[UNK]\n", false},
		"model.safetensors": {strings.Repeat("0123456789abcdef", 1<<14), true},
	}
}

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{
		t:       t,
		commits: map[string]string{"main": commitA, commitA: commitA},
		files:   map[string]map[string]fakeFile{commitA: bertFiles()},
	}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serveHub))
	t.Cleanup(h.hub.Close)
	h.cdn = httptest.NewServer(http.HandlerFunc(h.serveCDN))
	t.Cleanup(h.cdn.Close)
	return h
}

// client returns a client of the hub with a fresh cache.
func (h *fakeHub) client(t *testing.T) *Client {
	return &Client{Endpoint: h.hub.URL, CacheDir: t.TempDir(), Token: "hf_secret", HTTP: h.hub.Client()}
}

// record notes a request by its method, what it asks for and its range.
func (h *fakeHub) record(r *http.Request, what string) {
	if encoding := r.Header.Get("Accept-Encoding"); encoding != "identity" {
		h.t.Errorf("%s %s: found Accept-Encoding %q, want identity: any other would spoil sizes and ranges", r.Method, what, encoding)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, strings.TrimSpace(r.Method+" "+what+" "+r.Header.Get("Range")))
}

// seen returns the requests since the last call.
func (h *fakeHub) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	requests := slices.Clone(h.requests)
	h.requests = nil
	return requests
}

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/resolve/")
	if name == "old/tiny" { // renamed: the hub answers with a relative redirect
		http.Redirect(w, r, "/"+model+"/resolve/"+rest, http.StatusTemporaryRedirect)
		return
	}
	h.record(r, rest)
	refuse := func(status int, code string) {
		w.Header().Set(errorCodeHeader, code)
		w.WriteHeader(status)
	}
	if !ok || name != model || r.Header.Get("Authorization") != "Bearer hf_secret" {
		refuse(http.StatusUnauthorized, "RepoNotFound")
		return
	}
	revision, file, _ := strings.Cut(rest, "/")
	revision, _ = url.PathUnescape(revision)
	commit, ok := h.commits[revision]
	if !ok {
		refuse(http.StatusNotFound, revisionNotFound)
		return
	}
	f, ok := h.files[commit][file]
	w.Header().Set(commitHeader, commit)
	if !ok {
		refuse(http.StatusNotFound, entryNotFound)
		return
	}
	if f.large {
		w.Header().Set(linkedEtagHeader, `"`+f.etag()+`"`)
		w.Header().Set(linkedSizeHeader, strconv.Itoa(len(f.content)))
		w.Header().Set("ETag", `"of-the-redirect"`)
	} else {
		w.Header().Set("ETag", `W/"`+f.etag()+`"`)
	}
	for key, value := range h.header {
		w.Header().Set(key, value)
	}
	if f.large {
		http.Redirect(w, r, h.cdn.URL+"/"+commit+"/"+file+"?signature=x", http.StatusFound)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.content))
}

func (h *fakeHub) serveCDN(w http.ResponseWriter, r *http.Request) {
	commit, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h.record(r, "cdn/"+file)
	h.mu.Lock()
	h.tokens = append(h.tokens, r.Header.Values("Authorization")...)
	h.mu.Unlock()
	content := h.files[commit][file].content
	if h.deliver != nil {
		content = h.deliver(content)
	}
	if h.noRange {
		r.Header.Del("Range")
	}
	w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`) // an MD5, as S3 has them
	if h.cut > 0 {
		w = &cutWriter{w, h.cut}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(content)))
}

// cutWriter breaks the connection after some bytes of the body.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (w *cutWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	w.left -= n
	if err == nil && w.left == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}
