package onnx

import (
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

const (
	irVersion = 8  // of onnx.proto
	opset     = 17 // of the operations: the first with LayerNormalization

	// maxSize is how many bytes a message may have.
	maxSize = math.MaxInt32
)

// piece is a part of the file: bytes, and behind them the values of a constant
// in their own memory.
type piece struct {
	header []byte
	elements
}

// pieces are the message ModelProto of g. The fields of a message may stand in
// any order, and those that hold others come last here: constants, which are
// nearly all of the file, are never copied as a whole.
func (g *graph) pieces() ([]piece, error) {
	options := proto.MarshalOptions{Deterministic: true}
	pieces := make([]piece, 0, 1+len(g.constants))
	var size int64 // of the graph
	fields, err := options.Marshal(g.proto)
	if err != nil {
		return nil, err
	}
	size += int64(len(fields))
	pieces = append(pieces, piece{header: fields})
	for _, c := range g.constants {
		fields, err := options.Marshal(&onnxpb.TensorProto{Name: proto.String(string(c.name)), DataType: proto.Int32(int32(c.dataType())), Dims: c.dims})
		if err != nil {
			return nil, err
		}
		fields = appendHeader(fields, (*onnxpb.TensorProto)(nil), "raw_data", c.size())
		header := appendHeader(nil, g.proto, "initializer", int64(len(fields))+c.size())
		header = append(header, fields...)
		size += int64(len(header)) + c.size()
		pieces = append(pieces, piece{header, c.elements})
	}
	model := &onnxpb.ModelProto{
		IrVersion: proto.Int64(irVersion), ProducerName: proto.String("jpqd"),
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(opset)}},
	}
	if fields, err = options.Marshal(model); err != nil {
		return nil, err
	}
	fields = appendHeader(fields, model, "graph", size)
	if size += int64(len(fields)); size > maxSize {
		return nil, fmt.Errorf("model for ONNX: found %d bytes, want at most %d, which one file of ONNX can hold", size, maxSize)
	}
	pieces[0].header = append(fields, pieces[0].header...)
	return pieces, nil
}

// appendHeader appends what stands before the size bytes of a field of m.
func appendHeader(b []byte, m proto.Message, field protoreflect.Name, size int64) []byte {
	number := m.ProtoReflect().Descriptor().Fields().ByName(field).Number()
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.BytesType), uint64(size))
}

// encode writes the pieces one behind the other.
func encode(w io.Writer, pieces []piece) error {
	for _, p := range pieces {
		if _, err := w.Write(p.header); err != nil {
			return err
		}
		if p.elements != nil {
			if err := p.elements.encode(w); err != nil {
				return err
			}
		}
	}
	return nil
}
