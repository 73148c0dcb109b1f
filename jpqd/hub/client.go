// Package hub finds model folders by their Hugging Face names: in the cache
// that huggingface_hub and transformers use, and otherwise by fetching the
// files into that cache.
//
// # Cache
//
// The layout is huggingface_hub's own, so that one cache serves all programs:
//
//	models--org--name/
//	  blobs/ETAG               contents; ETAG is their SHA-256 (large files) or git SHA-1
//	  blobs/ETAG.incomplete    a download that was broken off, to be resumed
//	  snapshots/COMMIT/FILE    symbolic links ../../blobs/ETAG
//	  refs/REVISION            the commit of a branch or tag
//	  .no_exist/COMMIT/FILE    empty marks of files that the repository has not
//	.locks/models--org--name/ETAG.lock
//
// A blob gets its name when it is complete and its checksum is right, a
// reference is written when all files of its snapshot are there. So whatever
// breaks off, what can be found in the cache is whole.
package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DefaultEndpoint is where models are fetched from unless HF_ENDPOINT is set.
const DefaultEndpoint = "https://huggingface.co"

// DefaultRevision is the branch used where no revision is given.
const DefaultRevision = "main"

// Client finds and fetches models. The zero value works like [NewClient] in an
// empty environment. A Client may be used by several goroutines and beside
// other processes on the same cache.
type Client struct {
	Endpoint string       // address of the hub; default DefaultEndpoint
	CacheDir string       // folder of the models--… folders; default by the environment, see NewClient
	Token    string       // access token for private and gated models; sent to Endpoint only
	Offline  bool         // use the cache only
	HTTP     *http.Client // nil: a client with timeouts for connecting and for the first byte
	Log      *slog.Logger // nil: no log

	// Progress, where set, is told how much of a file has arrived, in bytes.
	Progress func(file string, done, total int64)
}

// NewClient returns a client configured as huggingface_hub is, by the
// environment:
//
//   - HF_ENDPOINT: address of the hub
//   - HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else
//     ~/.cache/huggingface/hub: the cache
//   - HF_HUB_OFFLINE: 1, ON, YES or TRUE to use the cache only
//   - HF_TOKEN: access token
func NewClient() *Client {
	return &Client{
		Endpoint: os.Getenv("HF_ENDPOINT"),
		Token:    strings.TrimSpace(os.Getenv("HF_TOKEN")),
		Offline:  isTrue(os.Getenv("HF_HUB_OFFLINE")),
		Log:      slog.Default(),
	}
}

func isTrue(value string) bool {
	switch strings.ToUpper(value) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// Resolve returns a local folder with the files of a model: config.json, the
// safetensors weights, and vocab.txt and tokenizer_config.json where the model
// has them.
//
// The path of an existing folder is returned as it is. Otherwise "org/name" or
// "name" is looked up in the cache at the given revision (a branch, tag or
// commit; "" is "main"), without asking the hub whether the branch has moved,
// and fetched where the cache lacks it. errors.Is(err, fs.ErrNotExist) tells
// that the model, or offline its copy in the cache, does not exist.
func (c *Client) Resolve(ctx context.Context, name, revision string) (dir string, err error) {
	return c.find(ctx, name, revision, c.resolve)
}

// ResolveConfig is Resolve for those who want config.json alone: it neither
// wants nor fetches weights.
func (c *Client) ResolveConfig(ctx context.Context, name, revision string) (dir string, err error) {
	return c.find(ctx, name, revision, c.resolveConfig)
}

// find checks the name and the revision before it has them resolved.
func (c *Client) find(ctx context.Context, name, revision string, resolve func(ctx context.Context, repo repository, revision string) (string, error)) (dir string, err error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return name, nil
	}
	if revision == "" {
		revision = DefaultRevision
	}
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("model %q: %w", name, err)
	}
	if err := checkRevision(revision); err != nil {
		return "", fmt.Errorf("model %q: revision %q: %w", name, revision, err)
	}
	repo := repository{cache: c.CacheDir, name: name}
	if repo.cache == "" {
		repo.cache, err = defaultCacheDir()
	}
	if err == nil {
		dir, err = resolve(ctx, repo, revision)
	}
	if err != nil {
		return "", fmt.Errorf("model %q (revision %q): %w", name, revision, err)
	}
	return dir, nil
}

func (c *Client) resolve(ctx context.Context, repo repository, revision string) (string, error) {
	cached := repo.lookUp(revision)
	if len(cached.missing) == 0 && (len(cached.unknown) == 0 || c.Offline) {
		return cached.dir, nil
	}
	if c.Offline {
		return "", fmt.Errorf("not in the cache: found no %s in %s, and offline mode (HF_HUB_OFFLINE) forbids to fetch: %w",
			strings.Join(cached.missing, ", "), cached.dir, fs.ErrNotExist)
	}
	dir, err := c.fetchModel(ctx, repo, revision)
	if err != nil && len(cached.missing) == 0 && ctx.Err() == nil {
		return "", fmt.Errorf("%w (HF_HUB_OFFLINE=1 would use the copy in %s, which has no %s)", err, cached.dir, strings.Join(cached.unknown, ", "))
	}
	return dir, err
}

// resolveConfig leaves no reference of the revision: that is for whole snapshots.
func (c *Client) resolveConfig(ctx context.Context, repo repository, revision string) (string, error) {
	dir := repo.lookUp(revision).dir
	if isFile(filepath.Join(dir, configFile)) {
		return dir, nil
	}
	if c.Offline {
		return "", fmt.Errorf("not in the cache: found no %s in %s, and offline mode (HF_HUB_OFFLINE) forbids to fetch: %w", configFile, dir, fs.ErrNotExist)
	}
	commit, err := c.fetchFile(ctx, repo, revision, configFile)
	return repo.snapshot(commit), err
}

// defaultCacheDir returns the cache folder that the environment tells.
func defaultCacheDir() (string, error) {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return expandHome(dir)
	}
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return expandHome(filepath.Join(dir, "hub"))
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return expandHome(filepath.Join(dir, "huggingface", "hub"))
	}
	return expandHome(filepath.Join("~", ".cache", "huggingface", "hub"))
}

// expandHome replaces a leading ~ by the home folder.
func expandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~"+string(filepath.Separator)) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.Join(errors.New("no cache folder: set HF_HUB_CACHE"), err)
	}
	return filepath.Join(home, path[1:]), nil
}

// log returns a logger that may be used whether or not Log is set.
func (c *Client) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// defaultHTTP has no timeout for a whole request: weights take their time.
var defaultHTTP = func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: transport}
}()
