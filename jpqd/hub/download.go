package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// fetchBlob brings a blob into the cache. What arrived before a break is kept
// in ETAG.incomplete, from which the next attempt goes on.
func (c *Client) fetchBlob(ctx context.Context, repo repository, url, file string, meta metadata) error {
	blob := repo.blob(meta.etag)
	if err := os.MkdirAll(filepath.Dir(blob), 0o777); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, repo.lock(meta.etag))
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Stat(blob); err == nil && (meta.size < 0 || info.Size() == meta.size) {
		return nil
	}
	c.log().Info("fetching", "file", file, "bytes", meta.size, "from", url)
	incomplete := blob + ".incomplete"
	part, err := os.OpenFile(incomplete, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer part.Close()
	d := download{client: c, url: url, file: file, size: meta.size, part: part}
	if err := d.receive(ctx); err != nil {
		return err
	}
	if err := verify(part, meta.etag); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", url, err), os.Remove(incomplete))
	}
	if err := part.Sync(); err != nil {
		return err
	}
	return os.Rename(incomplete, blob)
}

// download is one file on its way.
type download struct {
	client    *Client
	url, file string
	size      int64 // -1 until known
	part      *os.File
}

// receive completes part, from where it ends.
func (d *download) receive(ctx context.Context) error {
	offset, err := d.part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if d.size >= 0 && offset > d.size {
		if offset, err = 0, d.restart(); err != nil {
			return err
		}
	}
	if offset == d.size {
		d.report(offset)
		return nil
	}
	resp, err := d.client.get(ctx, d.url, offset)
	if err != nil {
		return err
	}
	if offset > 0 && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		drain(resp.Body)
		if err := d.restart(); err != nil {
			return err
		}
		if resp, err = d.client.get(ctx, d.url, 0); err != nil {
			return err
		}
		offset = 0
	}
	defer resp.Body.Close()
	if offset, err = d.accept(resp, offset); err != nil {
		return err
	}
	return d.copy(resp.Body, offset)
}

// restart throws away what was received.
func (d *download) restart() error {
	if err := d.part.Truncate(0); err != nil {
		return err
	}
	_, err := d.part.Seek(0, io.SeekStart)
	return err
}

// accept holds an answer against what was asked for, and returns the byte that
// its body begins with: a server may ignore a range and send all.
func (d *download) accept(resp *http.Response, offset int64) (int64, error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent && offset > 0:
		want := fmt.Sprintf("bytes %d-", offset)
		if got := resp.Header.Get("Content-Range"); !strings.HasPrefix(got, want) {
			return 0, fmt.Errorf("%s: found Content-Range %q, want %q", d.url, got, want)
		}
	case resp.StatusCode == http.StatusOK:
		if offset > 0 {
			if err := d.restart(); err != nil {
				return 0, err
			}
			offset = 0
		}
	default:
		return 0, newStatusError(d.url, resp)
	}
	if d.size < 0 && resp.ContentLength < 0 {
		return 0, fmt.Errorf("%s: found no size, want %s or Content-Length", d.url, linkedSizeHeader)
	}
	if d.size < 0 {
		d.size = offset + resp.ContentLength
	}
	if resp.ContentLength >= 0 && offset+resp.ContentLength != d.size {
		return 0, fmt.Errorf("%s: found Content-Length %d from byte %d on, want %d bytes in all", d.url, resp.ContentLength, offset, d.size)
	}
	return offset, nil
}

// copy appends body to part and wants it to end with the size known.
func (d *download) copy(body io.Reader, offset int64) error {
	d.report(offset)
	w := &progressWriter{d, offset}
	_, err := io.Copy(w, io.LimitReader(body, d.size-offset+1))
	if err == nil && w.done < d.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("%s: received %d of %d bytes, which are kept to go on from: %w", d.url, w.done, d.size, err)
	}
	if w.done > d.size {
		return errors.Join(fmt.Errorf("%s: received more than %d bytes", d.url, d.size), d.restart())
	}
	return nil
}

func (d *download) report(done int64) {
	if d.client.Progress != nil {
		d.client.Progress(d.file, min(done, d.size), d.size)
	}
}

// progressWriter writes to the file and tells how far it is.
type progressWriter struct {
	d    *download
	done int64
}

func (w *progressWriter) Write(p []byte) (int, error) {
	n, err := w.d.part.Write(p)
	w.done += int64(n)
	w.d.report(w.done)
	return n, err
}

// verify compares the content of a file with its ETag: a SHA-256, or the SHA-1
// by which git names it, that of "blob SIZE\x00" and the content.
func verify(f *os.File, etag string) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var sum hash.Hash
	kind := "SHA-256"
	if len(etag) == hex.EncodedLen(sha256.Size) {
		sum = sha256.New()
	} else {
		sum, kind = sha1.New(), "git SHA-1"
		fmt.Fprintf(sum, "blob %d\x00", size)
	}
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if found := hex.EncodeToString(sum.Sum(nil)); found != etag {
		return fmt.Errorf("checksum of %d bytes: found %s %s, want %s", size, kind, found, etag)
	}
	return nil
}
