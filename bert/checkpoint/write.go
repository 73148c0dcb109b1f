package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/google/renameio/v2"
	"github.com/nlpodyssey/safetensors"

	"github.com/go-jpqd/jpqd/kernels"
)

// Write writes f as a safetensors file, replacing path atomically. The metadata
// "format": "pt", without which transformers refuses a file, is added where f
// has no "format". Equal input gives equal bytes: tensors lie by descending
// size of their type, then by name, and floats are written as F32 bit by bit
// unless a tensor is Half.
func Write(path string, f *File) error {
	return replaceFile(path, func(w io.Writer) error { return encode(w, f) })
}

// encode writes f as a safetensors file.
func encode(w io.Writer, f *File) error {
	views := make(map[string]view, len(f.Tensors))
	for _, name := range f.Names() {
		v, err := newView(name, f.Tensors[name])
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		views[name] = v
	}
	metadata := map[string]string{"format": "pt"}
	maps.Copy(metadata, f.Metadata)
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("metadata %q: found bytes that are not UTF-8", key)
		}
	}
	return safetensors.SerializeToWriter(views, metadata, w)
}

// view shows a Tensor to the serializer.
type view struct {
	dtype  safetensors.DType
	n      int
	tensor Tensor
}

// newView refuses what the serializer would write although no reader accepts
// it.
func newView(name string, t Tensor) (view, error) {
	if name == metadataKey {
		return view{}, errors.New("the name is reserved for metadata")
	}
	if !utf8.ValidString(name) {
		return view{}, errors.New("the name is not UTF-8")
	}
	if len(t.Shape) > maxRank {
		return view{}, fmt.Errorf("found %d dimensions, want at most %d", len(t.Shape), maxRank)
	}
	dtype, n, err := t.elements()
	if err != nil {
		return view{}, err
	}
	if count, ok := elementCount(t.Shape); !ok || count != int64(n) {
		return view{}, fmt.Errorf("found %d elements for shape %v", n, t.Shape)
	}
	return view{dtype, n, t}, nil
}

func (v view) DType() safetensors.DType { return v.dtype }

func (v view) DataLen() uint64 { return uint64(v.n) * v.dtype.Size() }

func (v view) Shape() []uint64 {
	shape := make([]uint64, len(v.tensor.Shape)) // not nil, which JSON would spell null
	for i, d := range v.tensor.Shape {
		shape[i] = uint64(d)
	}
	return shape
}

func (v view) Data() []byte {
	data := make([]byte, 0, v.DataLen())
	switch v.dtype {
	case safetensors.F32:
		for _, x := range v.tensor.F32 {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
	case safetensors.BF16:
		for _, x := range v.tensor.F32 {
			data = binary.LittleEndian.AppendUint16(data, uint16(kernels.ToBF16(x)))
		}
	case safetensors.I32:
		for _, x := range v.tensor.I32 {
			data = binary.LittleEndian.AppendUint32(data, uint32(x))
		}
	case safetensors.I64:
		for _, x := range v.tensor.I64 {
			data = binary.LittleEndian.AppendUint64(data, uint64(x))
		}
	case safetensors.I8:
		for _, x := range v.tensor.I8 {
			data = append(data, byte(x))
		}
	case safetensors.U8:
		data = append(data, v.tensor.U8...)
	}
	return data
}

// replaceFile lets write fill a temporary file and renames it to path. Where
// anything fails, path stays as it was. A symbolic link is replaced, not
// followed: in a cache it may point at a file that others share.
func replaceFile(path string, write func(io.Writer) error) error {
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: found %s, want a regular file or none", path, info.Mode().Type())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer file.Cleanup()
	w := bufio.NewWriterSize(file, 1<<16)
	if err := write(w); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
