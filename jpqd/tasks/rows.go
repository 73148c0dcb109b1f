package tasks

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds on what a file may hold, so that one that is no data set is refused
// before it fills the memory.
const (
	maxRecord  = 16 << 20 // bytes of a row
	maxColumns = 1024
)

var (
	errLongRecord  = fmt.Errorf("row is longer than %d MiB", maxRecord>>20)
	errManyColumns = fmt.Errorf("more than %d columns", maxColumns)
	errNoHeader    = errors.New("file is empty, want a header line that names the columns")
)

// kind is what a cell is known to hold.
type kind uint8

const (
	untyped kind = iota // .tsv and .csv: the text may be meant as a number
	text
	integer
	float
	boolean // text is "True" or "False"
	null
	nested // a JSON array or object
)

// cell is one value of a row.
type cell struct {
	text string
	kind kind
}

// row is one record of a file with the names of its columns. Where the row is
// short, cells is shorter than names.
type row struct {
	line  int // where it begins, from 1
	names []string
	cells []cell
}

// rowError puts file and line before an error.
func rowError(name string, line int, err error) error {
	return fmt.Errorf("%s:%d: %w", name, line, err)
}

// readRows yields the rows of a file one after another. The extension of name
// says how to read r; header names the columns of a .tsv or .csv file without a
// header line. An error names file and line and is the last thing yielded.
func readRows(name string, r io.Reader, header []string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		in := bufio.NewReaderSize(r, 1<<16)
		if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
			in.Discard(3)
		}
		switch ext := strings.ToLower(filepath.Ext(name)); ext {
		case ".tsv":
			tsvRows(name, in, header, yield)
		case ".csv":
			csvRows(name, in, header, yield)
		case ".json", ".jsonl":
			jsonRows(name, in, yield)
		default:
			yield(row{}, fmt.Errorf("%s: extension is %.20q, want .tsv, .csv, .json or .jsonl", name, ext))
		}
	}
}

// tsvRows reads lines of fields that tabs separate. As in GLUE's files there is
// no quoting: a quote is a character like others. Blank lines are skipped, and
// so are fields beyond the last column.
func tsvRows(name string, r io.Reader, header []string, yield func(row, error) bool) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), maxRecord)
	names, line := header, 0
	for lines.Scan() {
		line++
		switch {
		case len(lines.Bytes()) == 0:
		case names == nil:
			names = strings.SplitN(lines.Text(), "\t", maxColumns+1)
			if len(names) > maxColumns {
				yield(row{}, rowError(name, line, errManyColumns))
				return
			}
		default:
			fields := strings.SplitN(lines.Text(), "\t", len(names)+1)
			if !yield(untypedRow(line, names, fields[:min(len(fields), len(names))]), nil) {
				return
			}
		}
	}
	err := lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = errLongRecord
	}
	if err == nil && names == nil {
		err = errNoHeader
	}
	if err != nil {
		yield(row{}, rowError(name, line+1, err))
	}
}

// csvRows reads comma-separated values of RFC 4180; every row has as many as the first.
func csvRows(name string, r io.Reader, header []string, yield func(row, error) bool) {
	in := &recordReader{r: r}
	lines := csv.NewReader(in)
	lines.FieldsPerRecord = -1 // compared below, for an error that names both numbers
	names := header
	for {
		fields, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			var syntax *csv.ParseError
			if errors.As(err, &syntax) {
				err = rowError(name, syntax.Line, fmt.Errorf("column %d: %w", syntax.Column, syntax.Err))
			} else {
				err = rowError(name, in.lineAt(in.start), err)
			}
			yield(row{}, err)
			return
		}
		in.start = lines.InputOffset()
		line, _ := lines.FieldPos(0)
		switch {
		case len(fields) > maxColumns:
			err = errManyColumns
		case names == nil:
			names = fields
			continue
		case len(fields) != len(names):
			err = fmt.Errorf("row has %d fields, want %d", len(fields), len(names))
		}
		if err != nil {
			yield(row{}, rowError(name, line, err))
			return
		}
		if !yield(untypedRow(line, names, fields), nil) {
			return
		}
	}
	if names == nil {
		yield(row{}, rowError(name, 1, errNoHeader))
	}
}

func untypedRow(line int, names, fields []string) row {
	cells := make([]cell, len(fields))
	for i, f := range fields {
		cells[i].text = f
	}
	return row{line, names, cells}
}

// recordReader passes bytes on until a row is longer than maxRecord, and knows
// on which line an offset lies. Its user sets start whenever a row ends.
type recordReader struct {
	r        io.Reader
	read     int64   // bytes passed on so far
	start    int64   // where the current row begins
	newlines []int64 // offsets of the line ends that lineAt has not passed
	passed   int     // line ends that it has passed
}

func (r *recordReader) Read(p []byte) (int, error) {
	if r.read-r.start > maxRecord {
		return 0, errLongRecord
	}
	n, err := r.r.Read(p[:min(len(p), 1<<16)])
	for i, c := range p[:n] {
		if c == '\n' {
			r.newlines = append(r.newlines, r.read+int64(i))
		}
	}
	r.read += int64(n)
	return n, err
}

// lineAt is the line, from 1, of an offset that is not below those asked for before.
func (r *recordReader) lineAt(offset int64) int {
	n, _ := slices.BinarySearch(r.newlines, offset)
	r.newlines = r.newlines[n:]
	r.passed += n
	return r.passed + 1
}
