package tasks

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Record is a row of a task's data.
type Record struct {
	Text1, Text2 string
	Label        int32   // class, for classification; −1: unknown
	Target       float32 // value, for regression
}

// Columns says which columns of a file hold what.
type Columns struct {
	Text1, Text2 string   // Text2 is "" where a row is one text
	Label        string   // "": labels are not read, and every record's is −1
	Labels       []string // class names by id; nil: any id from 0 is a label
	Regression   bool     // labels are numbers, which become targets

	// Header names the columns of a .tsv or .csv file whose first line is a row
	// already. Nil: the first line names them.
	Header []string

	// SkipIncomplete leaves out rows that end before their last column or whose
	// label is empty, which are errors otherwise.
	SkipIncomplete bool
}

// ReadFile reads the rows of a file. Its extension says how: ".tsv" fields
// between tabs, without quoting; ".csv" comma-separated values of RFC 4180;
// ".json" and ".jsonl" an object per row, one after another, in an array, or in
// the array "data" of one object. Lines end in LF or CRLF, and a byte order
// mark is skipped. Bytes that are no UTF-8 become U+FFFD.
//
// A label is a class by its name, or by its id unless the names are themselves
// numbers. An error names the file and the line, what was found and what was
// wanted; a file without rows is one. A row longer than 16 MiB is refused.
func ReadFile(path string, columns Columns) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readRecords(path, f, columns)
}

func readRecords(name string, r io.Reader, columns Columns) ([]Record, error) {
	numbered := slices.ContainsFunc(columns.Labels, isInteger)
	var records []Record
	for row, err := range readRows(name, r, columns.Header) {
		if err != nil {
			return nil, err
		}
		record, err := columns.record(row, numbered)
		if columns.SkipIncomplete && errors.Is(err, errIncomplete) {
			continue
		}
		if err != nil {
			return nil, rowError(name, row.line, err)
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: no rows", name)
	}
	return records, nil
}

// errIncomplete is wrapped by the errors of rows that SkipIncomplete leaves out.
var errIncomplete = errors.New("row is incomplete")

// record takes what the columns say out of a row. numbered: class names are numbers.
func (c *Columns) record(r row, numbered bool) (Record, error) {
	record := Record{Label: -1}
	var err error
	if record.Text1, err = r.text(c.Text1); err != nil {
		return record, err
	}
	if c.Text2 != "" {
		if record.Text2, err = r.text(c.Text2); err != nil {
			return record, err
		}
	}
	if c.Label == "" {
		return record, nil
	}
	label, err := r.cell(c.Label)
	switch {
	case err != nil:
		return record, err
	case label.text == "" || label.kind == null:
		return record, fmt.Errorf("column %q: label is empty: %w", c.Label, errIncomplete)
	case c.Regression:
		record.Label = 0
		record.Target, err = label.target()
	default:
		record.Label, err = c.class(label, numbered)
	}
	if err != nil {
		return record, fmt.Errorf("column %q: %w", c.Label, err)
	}
	return record, nil
}

// cell is the value of a column.
func (r row) cell(name string) (cell, error) {
	i := slices.Index(r.names, name)
	if i < 0 {
		return cell{}, fmt.Errorf("no column %q, found %.200q", name, r.names)
	}
	if i >= len(r.cells) {
		return cell{}, fmt.Errorf("no value in column %q, found %d of %d: %w", name, len(r.cells), len(r.names), errIncomplete)
	}
	return r.cells[i], nil
}

// text is the value of a column that holds texts.
func (r row) text(name string) (string, error) {
	c, err := r.cell(name)
	if err != nil {
		return "", err
	}
	if c.kind != untyped && c.kind != text {
		return "", fmt.Errorf("column %q: found %.60s, want a text", name, c.text)
	}
	return strings.ToValidUTF8(c.text, "\uFFFD"), nil
}

// target is the number that a label of regression is.
func (c cell) target() (float32, error) {
	v, err := strconv.ParseFloat(c.text, 32)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("label is %.60q, want a finite number", c.text)
	}
	return float32(v), nil
}

// class is the id of the class that a label names.
func (c *Columns) class(label cell, numbered bool) (int32, error) {
	id, err := strconv.ParseInt(label.text, 10, 32)
	if err == nil {
		label.text = strconv.FormatInt(id, 10) // as [InferTask] names it
	}
	if i := slices.Index(c.Labels, label.text); i >= 0 {
		return int32(i), nil
	}
	if err == nil && !numbered && id >= 0 && (c.Labels == nil || id < int64(len(c.Labels))) {
		return int32(id), nil
	}
	switch {
	case c.Labels == nil:
		err = fmt.Errorf("label is %.60q, want a class id from 0", label.text)
	case numbered:
		err = fmt.Errorf("label is %.60q, want one of %.200q", label.text, c.Labels)
	default:
		err = fmt.Errorf("label is %.60q, want one of %.200q or 0 to %d", label.text, c.Labels, len(c.Labels)-1)
	}
	return 0, err
}

func isInteger(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}
