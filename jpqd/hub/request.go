package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Headers of the hub. For a large file they come with the redirect to the
// content delivery network, whose own ETag means nothing.
const (
	commitHeader     = "X-Repo-Commit"
	linkedEtagHeader = "X-Linked-Etag"
	linkedSizeHeader = "X-Linked-Size"
	errorCodeHeader  = "X-Error-Code"
	errorTextHeader  = "X-Error-Message"

	entryNotFound    = "EntryNotFound"
	revisionNotFound = "RevisionNotFound"

	maxRedirects = 10
)

// metadata is what the hub tells of a file.
type metadata struct {
	commit string
	etag   string // SHA-256 or git SHA-1 of the content
	size   int64  // -1 where not told
}

// head asks for the metadata of a file.
func (c *Client) head(ctx context.Context, address string) (metadata, error) {
	var commit, etag, size string
	collect := func(h http.Header) {
		// The first answer with a value counts.
		for header, value := range map[string]*string{commitHeader: &commit, linkedEtagHeader: &etag, linkedSizeHeader: &size} {
			if *value == "" {
				*value = h.Get(header)
			}
		}
	}
	resp, err := c.do(ctx, http.MethodHead, address, 0, func(redirect *http.Response) error {
		collect(redirect.Header)
		if etag != "" {
			return http.ErrUseLastResponse // all is known; the network need not be asked
		}
		return nil
	})
	if err != nil {
		return metadata{}, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK && (etag == "" || resp.StatusCode/100 != 3) {
		return metadata{}, newStatusError(address, resp)
	}
	collect(resp.Header)
	if resp.StatusCode == http.StatusOK && etag == "" {
		etag = resp.Header.Get("ETag")
		if size == "" && resp.ContentLength >= 0 {
			size = strconv.FormatInt(resp.ContentLength, 10)
		}
	}
	return newMetadata(address, commit, etag, size)
}

// newMetadata checks the values of headers.
func newMetadata(address, commit, etag, size string) (metadata, error) {
	m := metadata{commit: commit, etag: strings.Trim(strings.TrimPrefix(etag, "W/"), `"`), size: -1}
	if !commitForm.MatchString(m.commit) {
		return metadata{}, fmt.Errorf("%s: found %s %q, want 40 hexadecimal digits: is this a Hugging Face hub?", address, commitHeader, commit)
	}
	if !etagForm.MatchString(m.etag) {
		return metadata{}, fmt.Errorf("%s: found ETag %q, want a SHA-256 or git SHA-1, without which the content cannot be checked", address, etag)
	}
	if size != "" {
		var err error
		if m.size, err = strconv.ParseInt(size, 10, 64); err != nil || m.size < 0 {
			return metadata{}, fmt.Errorf("%s: found size %q, want a number of bytes", address, size)
		}
	}
	return m, nil
}

// get asks for the content of a file from byte offset on.
func (c *Client) get(ctx context.Context, address string, offset int64) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, address, offset, func(*http.Response) error { return nil })
}

// do sends a request. The token goes to the host of address only, not to where
// it redirects. onRedirect sees each redirect and may refuse to follow it.
func (c *Client) do(ctx context.Context, method, address string, offset int64, onRedirect func(*http.Response) error) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "jpqd")
	req.Header.Set("Accept-Encoding", "identity") // sizes and ranges are those of the content
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	client := *defaultHTTP
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if err := onRedirect(next.Response); err != nil {
			return err
		}
		if len(via) >= maxRedirects {
			return fmt.Errorf("found more than %d redirects", maxRedirects)
		}
		if !sameHost(req.URL, next.URL) {
			next.Header.Del("Authorization")
		}
		return nil
	}
	return client.Do(req)
}

// sameHost tells whether a redirect stays on the host, perhaps to go from http
// to https.
func sameHost(from, to *url.URL) bool {
	if from.Scheme == "http" && to.Scheme == "https" {
		return from.Hostname() == to.Hostname()
	}
	return from.Scheme == to.Scheme && from.Host == to.Host
}

// statusError is a refusal of the hub.
type statusError struct {
	url, status   string
	code          int
	hubCode, text string // the hub's own code and words
}

func newStatusError(address string, resp *http.Response) *statusError {
	return &statusError{address, resp.Status, resp.StatusCode, resp.Header.Get(errorCodeHeader), resp.Header.Get(errorTextHeader)}
}

func (e *statusError) Error() string {
	meaning := "unexpected answer"
	switch {
	case e.code == http.StatusNotFound && e.hubCode == entryNotFound:
		meaning = "the repository has no such file"
	case e.code == http.StatusNotFound && e.hubCode == revisionNotFound:
		meaning = "the model has no such revision"
	case e.code == http.StatusNotFound:
		meaning = "no such model, or it has no such file"
	case e.code == http.StatusUnauthorized, e.code == http.StatusForbidden:
		meaning = "no such model, or it is private or gated and HF_TOKEN gives no access"
	}
	message := fmt.Sprintf("%s: %s (%s)", e.url, meaning, e.status)
	if e.text != "" {
		message += fmt.Sprintf(": %q", e.text)
	}
	return message
}

// Is lets errors.Is find fs.ErrNotExist.
func (e *statusError) Is(target error) bool {
	return target == fs.ErrNotExist && e.code == http.StatusNotFound
}

// isAbsent tells whether a commit known to exist has no such file.
func isAbsent(err error) bool {
	var refusal *statusError
	return errors.As(err, &refusal) && refusal.code == http.StatusNotFound && (refusal.hubCode == entryNotFound || refusal.hubCode == "")
}

// isMarkable tells whether the hub said so in its own words. A bare 404 may be
// the passing mood of a proxy and is not noted for good.
func isMarkable(err error) bool {
	var refusal *statusError
	return errors.As(err, &refusal) && refusal.code == http.StatusNotFound && refusal.hubCode == entryNotFound
}

// drain lets a connection be used again after a short body that nobody reads.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 4096)
	body.Close()
}
