package onnx

import (
	"encoding/binary"
	"io"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// chunk is how many elements are encoded at a time.
const chunk = 1 << 14

// elements are the values of a constant, in memory that the caller owns.
type elements interface {
	dataType() onnxpb.TensorProto_DataType
	size() int64 // bytes
	encode(w io.Writer) error
}

// values are elements in a slice.
type values[T int8 | uint8 | int64 | float32] []T

func (v values[T]) dataType() onnxpb.TensorProto_DataType {
	switch any(T(0)).(type) {
	case int8:
		return onnxpb.TensorProto_INT8
	case uint8:
		return onnxpb.TensorProto_UINT8
	case int64:
		return onnxpb.TensorProto_INT64
	}
	return onnxpb.TensorProto_FLOAT
}

func (v values[T]) size() int64 { return int64(binary.Size([]T(v))) }

// encode writes the values little-endian.
func (v values[T]) encode(w io.Writer) error {
	buffer := make([]byte, 0, 4*chunk)
	for len(v) > 0 {
		n := min(len(v), chunk)
		var err error
		if buffer, err = binary.Append(buffer[:0], binary.LittleEndian, []T(v[:n])); err != nil {
			return err
		}
		if _, err = w.Write(buffer); err != nil {
			return err
		}
		v = v[n:]
	}
	return nil
}

// transposed are the elements of a matrix of cols columns, column after column.
type transposed[T int8 | float32] struct {
	values[T]
	cols int
}

func (t transposed[T]) encode(w io.Writer) error {
	rows := len(t.values) / t.cols
	width := min(t.cols, max(1, chunk/rows)) // columns at a time
	buffer := make(values[T], rows*width)
	for first := 0; first < t.cols; first += width {
		n := min(width, t.cols-first)
		for i := range rows {
			for j, x := range t.values[i*t.cols+first:][:n] {
				buffer[j*rows+i] = x
			}
		}
		if err := buffer[:n*rows].encode(w); err != nil {
			return err
		}
	}
	return nil
}
