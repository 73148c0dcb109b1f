package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// console is where a command writes: results to out; logs, and on a terminal
// one line of status that is redrawn below them, to err.
type console struct {
	out, err io.Writer
	terminal bool // err is a terminal
	log      *slog.Logger

	mu     sync.Mutex
	status status // nil: no status line is shown
}

// status is a line that is cleared before text is written above it and drawn
// again by its owner.
type status interface{ Clear() error }

func newConsole(out, err io.Writer) *console {
	c := &console{out: out, err: err}
	if f, ok := err.(*os.File); ok {
		c.terminal = term.IsTerminal(int(f.Fd()))
	}
	c.log = slog.New(&lineHandler{console: c})
	return c
}

// setStatus says which status line is on the screen; nil for none.
func (c *console) setStatus(s status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = s
}

// writeLine writes a whole line above the status line.
func (c *console) writeLine(line []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != nil {
		if err := c.status.Clear(); err != nil {
			return err
		}
	}
	_, err := c.err.Write(line)
	return err
}

// draw redraws the status line while nothing else is written.
func (c *console) draw(redraw func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	redraw()
}

// close takes the status line off the screen.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != nil {
		c.status.Clear() // a screen that cannot be cleared is left as it is
		c.status = nil
	}
}

// lineHandler writes a record as "15:04:05 INFO message key=value …".
type lineHandler struct {
	console *console
	prefix  string // of keys: the open groups, each with a dot
	attrs   string // those of WithAttrs, written out
}

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	if !r.Time.IsZero() {
		line.WriteString(r.Time.Format(time.TimeOnly))
		line.WriteByte(' ')
	}
	line.WriteString(r.Level.String())
	line.WriteByte(' ')
	line.WriteString(oneLine(r.Message))
	line.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&line, h.prefix, a)
		return true
	})
	line.WriteByte('\n')
	return h.console.writeLine(line.Bytes())
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var text bytes.Buffer
	for _, a := range attrs {
		appendAttr(&text, h.prefix, a)
	}
	return &lineHandler{h.console, h.prefix, h.attrs + text.String()}
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &lineHandler{h.console, h.prefix + name + ".", h.attrs}
}

// appendAttr writes " key=value"; a group writes each of its members.
func appendAttr(b *bytes.Buffer, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			appendAttr(b, prefix, member)
		}
		return
	}
	if a.Key == "" {
		return
	}
	text := ""
	switch v.Kind() {
	case slog.KindFloat64:
		text = strconv.FormatFloat(v.Float64(), 'g', 6, 64)
	case slog.KindDuration:
		text = v.Duration().Round(time.Millisecond).String()
	default:
		text = v.String()
	}
	if text == "" || strings.ContainsAny(text, " \t\n\r\"=") || !strconv.CanBackquote(text) {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(b, " %s%s=%s", prefix, a.Key, text)
}

// oneLine keeps a message on its line.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
