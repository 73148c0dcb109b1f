// Package onnxpb is ONNX's own description of its files, onnx.proto of ONNX
// 1.12, as Go types. onnx.proto is under the Apache License 2.0, of the ONNX
// project's contributors; onnx.pb.go is made from it by protoc.
package onnxpb

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --go_out=. --go_opt=paths=source_relative,Monnx.proto=github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb onnx.proto"
