package checkpoint

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sameBits compares floats by their bits, so that NaNs equal themselves and -0
// does not equal 0.
var sameBits = cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })

func sameTensor(a, b Tensor) bool { return cmp.Equal(a, b, sameBits) }

func genTensor() *rapid.Generator[Tensor] {
	return rapid.Custom(func(t *rapid.T) Tensor {
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape")
		count, _ := elementCount(shape)
		n := int(count)
		tensor := Tensor{Shape: shape}
		switch rapid.IntRange(0, 4).Draw(t, "type") {
		case 0:
			bits := rapid.SliceOfN(rapid.Uint32(), n, n).Draw(t, "bits")
			tensor.F32 = make([]float32, n)
			for i, b := range bits {
				tensor.F32[i] = math.Float32frombits(b)
			}
		case 1:
			tensor.I8 = rapid.SliceOfN(rapid.Int8(), n, n).Draw(t, "i8")
		case 2:
			tensor.U8 = rapid.SliceOfN(rapid.Uint8(), n, n).Draw(t, "u8")
		case 3:
			tensor.I64 = rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "i64")
		case 4:
			tensor.I32 = rapid.SliceOfN(rapid.Int32(), n, n).Draw(t, "i32")
		}
		return tensor
	})
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), WeightsFile)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Filter(func(s string) bool { return s != metadataKey })
		want := &File{
			Tensors:  rapid.MapOf(name, genTensor()).Draw(t, "tensors"),
			Metadata: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata"),
		}
		if err := Write(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := want.Metadata["format"]; !ok {
			want.Metadata["format"] = "pt"
		}
		if diff := cmp.Diff(want, got, sameBits); diff != "" {
			t.Fatalf("(-want +found)\n%s", diff)
		}
		// Equal input, equal bytes, whatever the order of the maps.
		var a, b bytes.Buffer
		if err := encode(&a, want); err != nil {
			t.Fatal(err)
		}
		if err := encode(&b, &File{maps.Clone(want.Tensors), maps.Clone(want.Metadata)}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatal("two writes of the same file differ")
		}
	})
}

// Halves are rounded to even, keep NaN and Inf, and come back as float32.
func TestWriteHalves(t *testing.T) {
	nan := float32(math.NaN())
	x := []float32{1, 1 + 0x1p-8, 1 + 0x3p-8, float32(math.Inf(-1)), nan, 0x1p-130}
	want := []float32{1, 1, 1 + 0x1p-6, float32(math.Inf(-1)), nan, 0x1p-130}
	path := filepath.Join(t.TempDir(), WeightsFile)
	f := &File{Tensors: map[string]Tensor{"x": {Shape: []int{6}, F32: x, Half: true}, "y": {Shape: []int{1}, I8: []int8{1}, Half: true}}}
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Tensors["x"].F32 {
		if v != want[i] && (v == v || want[i] == want[i]) {
			t.Errorf("element %d: found %v, want %v", i, v, want[i])
		}
	}
	f.Tensors["x"] = Tensor{Shape: []int{6}, F32: x}
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	if whole, err := os.Stat(path); err != nil || whole.Size() < info.Size()+8 {
		t.Errorf("found %d bytes of halves and %d of float32, error %v", info.Size(), whole.Size(), err)
	}
}

func TestRoundTripSpecialFloats(t *testing.T) {
	bits := []uint32{
		0, 1 << 31, // ±0
		0x7f800000, 0xff800000, // ±Inf
		0x7fc00000, 0xffc00001, 0x7fffffff, // quiet NaNs
		0x7f800001, 0xffbfffff, // signalling NaNs
		1, 0x807fffff, // subnormals
		0x7f7fffff, 0x00800000, // largest, smallest normal
	}
	x := make([]float32, len(bits))
	for i, b := range bits {
		x[i] = math.Float32frombits(b)
	}
	path := filepath.Join(t.TempDir(), WeightsFile)
	if err := Write(path, &File{Tensors: map[string]Tensor{"x": {Shape: []int{len(x)}, F32: x}}}); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.F32("x", len(x))
	if err != nil {
		t.Fatal(err)
	}
	for i := range bits {
		if b := math.Float32bits(got[i]); b != bits[i] {
			t.Errorf("found bits %#x, want %#x", b, bits[i])
		}
	}
}

// TestWriteLayout spells out one file: the reference implementation writes the
// same order, larger types first, then names.
func TestWriteLayout(t *testing.T) {
	var out bytes.Buffer
	err := encode(&out, &File{Tensors: map[string]Tensor{
		"b": {Shape: []int{1}, F32: []float32{1}},
		"a": {Shape: []int{2}, I8: []int8{1, -1}},
		"c": {F32: []float32{2}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"format":"pt"},"a":{"dtype":"I8","shape":[2],"data_offsets":[8,10]},` +
		`"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := raw(header, "\x00\x00\x80\x3f"+"\x00\x00\x00\x40"+"\x01\xff")
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +found)\n%s", diff)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := Tensor{Shape: []int{1}, F32: []float32{1}}
	for name, tc := range map[string]struct {
		file File
		want string
	}{
		"no elements":     {File{Tensors: map[string]Tensor{"x": {Shape: []int{1}}}}, `tensor "x": found 0 kinds`},
		"two kinds":       {File{Tensors: map[string]Tensor{"x": {Shape: []int{1}, F32: []float32{1}, I8: []int8{1}}}}, `tensor "x": found 2 kinds`},
		"count":           {File{Tensors: map[string]Tensor{"x": {Shape: []int{2, 2}, F32: []float32{1}}}}, `tensor "x": found 1 elements for shape [2 2]`},
		"negative":        {File{Tensors: map[string]Tensor{"x": {Shape: []int{-1}, F32: []float32{}}}}, `tensor "x"`},
		"overflow":        {File{Tensors: map[string]Tensor{"x": {Shape: []int{1 << 30, 1 << 30, 1 << 30}, F32: []float32{}}}}, `tensor "x"`},
		"rank":            {File{Tensors: map[string]Tensor{"x": {Shape: slices.Repeat([]int{1}, 33), F32: []float32{1}}}}, "33 dimensions"},
		"reserved name":   {File{Tensors: map[string]Tensor{metadataKey: one}}, "reserved"},
		"name not UTF-8":  {File{Tensors: map[string]Tensor{"\xff": one}}, "not UTF-8"},
		"value not UTF-8": {File{Metadata: map[string]string{"a": "\xff"}}, `metadata "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), WeightsFile)
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := Write(path, &tc.file)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("found %v, want the path and %q", err, tc.want)
			}
			wantUntouched(t, path, "old")
		})
	}
}

// wantUntouched checks that a failed write left the old file and no other.
func wantUntouched(t *testing.T, path, old string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != old {
		t.Errorf("found %q, %v, want the old content", got, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("found %v, %v, want one file", files, err)
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	blob, link := filepath.Join(dir, "blob"), filepath.Join(dir, WeightsFile)
	if err := os.WriteFile(blob, []byte("shared"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("blob", link); err != nil {
		t.Skip(err)
	}
	if err := Write(link, &File{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(blob); err != nil || string(got) != "shared" {
		t.Errorf("the file behind the link: found %q, %v", got, err)
	}
	if f, err := Read(link); err != nil || f.Metadata["format"] != "pt" {
		t.Errorf("found %v, %v", f, err)
	}
	if err := Write(dir, &File{}); err == nil || !strings.Contains(err.Error(), "want a regular file") {
		t.Errorf("folder: found %v", err)
	}
	if err := Write(filepath.Join(dir, "none", "x"), &File{}); !os.IsNotExist(errors.Unwrap(err)) {
		t.Errorf("missing folder: found %v", err)
	}
}

// TestWriteFull writes to a device that is always full.
func TestWriteFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full on %s: %v", runtime.GOOS, err)
	}
	defer full.Close()
	f := &File{Tensors: map[string]Tensor{"x": {Shape: []int{1 << 16}, F32: make([]float32, 1<<16)}}}
	if err := encode(full, f); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("found %v, want ENOSPC", err)
	}
	if err := Write("/dev/full", f); err == nil {
		t.Error("a device was replaced")
	}
}
