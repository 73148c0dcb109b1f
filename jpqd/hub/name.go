package hub

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Names and revisions become paths in the cache and parts of addresses. Only
// what the hub itself accepts passes, which leaves no way out of a folder.
var (
	nameForm     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$`)
	revisionForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
	commitForm   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	etagForm     = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`) // git SHA-1, or SHA-256
)

const (
	maxNameLength     = 96 // the hub's limit
	maxRevisionLength = 255
)

// checkName tells whether name can be the name of a model on the hub.
func checkName(name string) error {
	bad := !nameForm.MatchString(name) || len(name) > maxNameLength ||
		strings.Contains(name, "..") || strings.Contains(name, "--") || strings.HasSuffix(name, ".git")
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasSuffix(part, ".") || strings.HasSuffix(part, "-")
	}
	if bad {
		return fmt.Errorf("found neither a folder of this path nor a model name, want %q or %q of at most %d letters, digits, '-', '_' and '.'",
			"org/name", "name", maxNameLength)
	}
	return nil
}

// checkRevision tells whether revision can be a branch, tag or commit.
func checkRevision(revision string) error {
	if !revisionForm.MatchString(revision) || len(revision) > maxRevisionLength || strings.Contains(revision, "..") {
		return errors.New("want a branch, tag or commit")
	}
	return nil
}

// fileURL is the address of a file. A slash in a revision, as in refs/pr/1, is
// escaped.
func (c *Client) fileURL(name, revision, file string) (string, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("HF_ENDPOINT: found %q, want an address like %s", endpoint, DefaultEndpoint)
	}
	return strings.TrimRight(endpoint, "/") + "/" + name + "/resolve/" + url.PathEscape(revision) + "/" + url.PathEscape(file), nil
}
