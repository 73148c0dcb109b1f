package hub

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// fetchModel fetches what the cache lacks of a model and returns its snapshot
// folder. The first answer tells the commit; all further files are asked for by
// that commit, so that a branch that moves meanwhile mixes nothing.
func (c *Client) fetchModel(ctx context.Context, repo repository, revision string) (string, error) {
	commit, err := c.fetchFile(ctx, repo, revision, configFile)
	if err != nil {
		return "", err
	}
	for _, file := range optionalFiles {
		if _, err := c.fetchFile(ctx, repo, commit, file); err != nil && !isAbsent(err) {
			return "", err
		}
	}
	if err := c.fetchWeights(ctx, repo, commit); err != nil {
		return "", err
	}
	return repo.snapshot(commit), repo.writeRef(revision, commit)
}

// fetchWeights fetches the one file of weights, or the index and its shards.
func (c *Client) fetchWeights(ctx context.Context, repo repository, commit string) error {
	if _, err := c.fetchFile(ctx, repo, commit, checkpoint.WeightsFile); !isAbsent(err) {
		return err
	}
	if _, err := c.fetchFile(ctx, repo, commit, checkpoint.IndexFile); isAbsent(err) {
		return c.noWeights(ctx, repo, commit, err)
	} else if err != nil {
		return err
	}
	index, err := checkpoint.ReadIndex(filepath.Join(repo.snapshot(commit), checkpoint.IndexFile))
	if err != nil {
		return err
	}
	for _, shard := range index.Shards() {
		if _, err := c.fetchFile(ctx, repo, commit, shard); err != nil {
			return err
		}
	}
	return nil
}

// noWeights explains a repository without safetensors, which is what absent
// says.
func (c *Client) noWeights(ctx context.Context, repo repository, commit string, absent error) error {
	const pickled = "pytorch_model.bin"
	url, err := c.fileURL(repo.name, commit, pickled)
	if err != nil {
		return err
	}
	if _, err := c.head(ctx, url); err == nil {
		return fmt.Errorf("the repository has %s only, which has to be converted to %s first (transformers: save_pretrained with safe_serialization=True): %w",
			pickled, checkpoint.WeightsFile, absent)
	}
	return fmt.Errorf("the repository has neither %s nor %s: %w", checkpoint.WeightsFile, checkpoint.IndexFile, absent)
}

// fetchFile puts one file into the snapshot of its commit, which it returns.
// An error for which isAbsent holds tells that the commit has no such file.
func (c *Client) fetchFile(ctx context.Context, repo repository, revision, file string) (commit string, err error) {
	url, err := c.fileURL(repo.name, revision, file)
	if err != nil {
		return "", err
	}
	known := commitForm.MatchString(revision)
	if known && isFile(filepath.Join(repo.snapshot(revision), file)) {
		return revision, nil
	}
	if known && isFile(repo.absentMark(revision, file)) {
		return "", &statusError{url: url, code: 404, status: "404 as known from the cache", hubCode: entryNotFound}
	}
	meta, err := c.head(ctx, url)
	if err != nil {
		if known && isMarkable(err) {
			err = errors.Join(err, repo.markAbsent(revision, file))
		}
		return "", err
	}
	if known && meta.commit != revision {
		return "", fmt.Errorf("%s: found %s %q, want the commit asked for", url, commitHeader, meta.commit)
	}
	if err := c.fetchBlob(ctx, repo, url, file, meta); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return meta.commit, repo.link(meta.commit, file, meta.etag)
}
