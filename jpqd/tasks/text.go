package tasks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Text is lines of text as token ids, each [CLS] line [SEP].
type Text struct {
	parts []textPart
	lines int
}

// textPart is some lines.
type textPart struct {
	ids  []int32 // of all lines
	ends []int   // where each line's ids end
}

// TextProgress says how much of a file is read.
type TextProgress struct {
	Read, Size int64 // bytes of the file, compressed ones if it is
	Tokens     int   // so far
}

// textChunk is how many bytes of text one worker takes at a time.
const textChunk = 1 << 20

// ReadText reads a file of text, which may be compressed by gzip, and turns its
// lines into token ids by as many threads as GOMAXPROCS says. The file itself is
// never in memory as a whole. progress, unless nil, is called every now and then.
func ReadText(ctx context.Context, path string, tok *tokenizer.Tokenizer, progress func(TextProgress)) (*Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	counted := &countingReader{r: f}
	plain, err := decompressed(counted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var parts []*textPart
	var tokens atomic.Int64
	jobs := make(chan textJob)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			w := textWorker{tok: tok}
			for job := range jobs {
				w.encode(job.text, job.part)
				tokens.Add(int64(len(job.part.ids)))
			}
		})
	}
	chunks := chunkReader{r: plain}
	for err == nil && ctx.Err() == nil {
		var text string
		if text, err = chunks.next(); text != "" {
			part := new(textPart)
			parts = append(parts, part)
			jobs <- textJob{text, part}
			if progress != nil {
				progress(TextProgress{counted.n, info.Size(), int(tokens.Load())})
			}
		}
	}
	close(jobs)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != io.EOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &Text{}
	for _, p := range parts {
		t.parts = append(t.parts, *p)
		t.lines += len(p.ends)
	}
	return t, nil
}

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// decompressed reads what r holds, through gzip if it begins as such a file does.
func decompressed(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	return gzip.NewReader(b)
}

// chunkReader cuts text into chunks of whole lines.
type chunkReader struct {
	r    io.Reader
	rest []byte // the beginning of a line
}

// next returns about textChunk bytes, or a line that is longer. With the last
// ones comes the error, io.EOF at the end of the text.
func (c *chunkReader) next() (string, error) {
	buf := make([]byte, len(c.rest), len(c.rest)+textChunk)
	copy(buf, c.rest)
	for {
		for len(buf) < cap(buf) {
			n, err := c.r.Read(buf[len(buf):cap(buf)])
			buf = buf[:len(buf)+n]
			if err != nil {
				return string(buf), err
			}
		}
		if end := bytes.LastIndexByte(buf, '\n') + 1; end > 0 {
			c.rest = append(c.rest[:0], buf[end:]...)
			return string(buf[:end]), nil
		}
		buf = slices.Grow(buf, len(buf))
	}
}

// textJob is a chunk and where its tokens are to be.
type textJob struct {
	text string
	part *textPart
}

// textWorker keeps its memory from chunk to chunk.
type textWorker struct {
	tok    *tokenizer.Tokenizer
	tokens []tokenizer.Token
	ids    []int32
	ends   []int
}

func (w *textWorker) encode(text string, part *textPart) {
	w.ids, w.ends = w.ids[:0], w.ends[:0]
	for line := range strings.Lines(text) {
		w.tokens = w.tok.Tokenize(w.tokens[:0], line) // which takes the end of the line for a space
		w.ids = append(w.ids, w.tok.CLS())
		for i := range w.tokens {
			w.ids = append(w.ids, w.tokens[i].ID)
		}
		w.ids = append(w.ids, w.tok.SEP())
		w.ends = append(w.ends, len(w.ids))
	}
	part.ids, part.ends = slices.Clone(w.ids), slices.Clone(w.ends)
}

// Lines is the number of lines.
func (t *Text) Lines() int { return t.lines }

// Cut takes the text apart in front of line n. Both share memory with t.
func (t *Text) Cut(n int) (before, after *Text) {
	before, after = &Text{lines: n}, &Text{lines: t.lines - n}
	for _, p := range t.parts {
		switch {
		case n >= len(p.ends):
			before.parts = append(before.parts, p)
		case n <= 0:
			after.parts = append(after.parts, p)
		default:
			at := p.ends[n-1]
			before.parts = append(before.parts, textPart{p.ids[:at:at], p.ends[:n]})
			rest := textPart{ids: p.ids[at:]}
			for _, end := range p.ends[n:] {
				rest.ends = append(rest.ends, end-at)
			}
			after.parts = append(after.parts, rest)
		}
		n -= len(p.ends)
	}
	return before, after
}

// Packed cuts the tokens of all lines, one behind the other, into examples of
// the given length, as run_mlm.py does without --line_by_line. Tokens at the end
// that are too few for one are left out. (run_mlm.py leaves some out of every
// thousand lines.) The examples share memory with t.
func (t *Text) Packed(length int) []jpqd.Example {
	var examples []jpqd.Example
	add := func(ids []int32) {
		examples = append(examples, jpqd.Example{IDs: ids, Number: int32(len(examples))})
	}
	var begun []int32 // an example that goes on in the next part
	for _, p := range t.parts {
		ids := p.ids
		if len(begun) > 0 {
			n := min(length-len(begun), len(ids))
			begun = append(begun, ids[:n]...)
			if ids = ids[n:]; len(begun) < length {
				continue
			}
			add(begun)
			begun = nil
		}
		for ; len(ids) >= length; ids = ids[length:] {
			add(ids[:length:length])
		}
		if len(ids) > 0 {
			begun = append(make([]int32, 0, length), ids...)
		}
	}
	return examples
}

// LineByLine makes an example of each line that has a token, none longer than
// maxLength, as run_mlm.py does with --line_by_line. The examples share memory
// with t, whose long lines are cut.
func (t *Text) LineByLine(maxLength int) []jpqd.Example {
	var examples []jpqd.Example
	for _, p := range t.parts {
		from := 0
		for _, end := range p.ends {
			ids := p.ids[from:end:end]
			if from = end; len(ids) <= 2 {
				continue
			}
			if len(ids) > maxLength {
				ids[maxLength-1] = ids[len(ids)-1]
				ids = ids[:maxLength:maxLength]
			}
			examples = append(examples, jpqd.Example{IDs: ids, Number: int32(len(examples))})
		}
	}
	return examples
}
