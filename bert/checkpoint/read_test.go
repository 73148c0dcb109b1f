package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// raw spells a safetensors file out of a header and data.
func raw(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func decodeBytes(b []byte) (*File, error) { return decode(bytes.NewReader(b), int64(len(b))) }

func TestReadTypes(t *testing.T) {
	le := binary.LittleEndian
	halves := le.AppendUint16(le.AppendUint16(nil, 0x3c00), 0xfe01) // 1, NaN with a payload
	bf16 := le.AppendUint16(le.AppendUint16(nil, 0x3f80), 0x8000)   // 1, -0
	header := `{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},` +
		`"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]},` +
		`"s":{"dtype":"I8","shape":[],"data_offsets":[8,9]},` +
		`"u":{"dtype":"U8","shape":[1],"data_offsets":[9,10]},` +
		`"e":{"dtype":"F32","shape":[0,3],"data_offsets":[10,10]},` +
		`"l":{"dtype":"I64","shape":[1],"data_offsets":[10,18]},` +
		`"i":{"dtype":"I32","shape":[2],"data_offsets":[18,26]},` +
		`"__metadata__":{"format":"np"}}  `
	f, err := decodeBytes(raw(header, string(halves)+string(bf16)+"\xff\xfe"+"\xfe\xff\xff\xff\xff\xff\xff\xff"+"\x01\x02\x00\x00\xfd\xff\xff\xff"))
	if err != nil {
		t.Fatal(err)
	}
	nan := math.Float32bits(f.Tensors["h"].F32[1])
	if nan != 0xffc02000 {
		t.Errorf("half 0xfe01: found bits %#x, want 0xffc02000", nan)
	}
	f.Tensors["h"].F32[1] = 0 // NaN differs from itself
	want := &File{
		Metadata: map[string]string{"format": "np"},
		Tensors: map[string]Tensor{
			"h": {Shape: []int{2}, F32: []float32{1, 0}},
			"b": {Shape: []int{1, 2}, F32: []float32{1, float32(math.Copysign(0, -1))}},
			"s": {Shape: []int{}, I8: []int8{-1}},
			"u": {Shape: []int{1}, U8: []uint8{254}},
			"e": {Shape: []int{0, 3}, F32: []float32{}},
			"l": {Shape: []int{1}, I64: []int64{-2}},
			"i": {Shape: []int{2}, I32: []int32{513, -3}},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +found)\n%s", diff)
	}
	if !math.Signbit(float64(f.Tensors["b"].F32[1])) {
		t.Error("bfloat16 -0: the sign is lost")
	}
}

// TestHalf compares all binary16 numbers with their definition.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		exponent, fraction := h>>10&0x1f, float64(h&0x3ff)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(halfToFloat(uint16(h)))
		same := got == want && math.Signbit(got) == math.Signbit(want)
		if !same && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%#04x: found %v, want %v", h, got, want)
		}
	}
}

func TestReadHostile(t *testing.T) {
	entry := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	long := `{"x":{"dtype":"F32","shape":[` + strings.Repeat("1,", 200) + `1],"data_offsets":[0,4]}}`
	deep := `{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`
	for name, tc := range map[string]struct {
		file []byte
		want string // part of the error
	}{
		"empty":               {nil, "found 0 bytes"},
		"short length":        {[]byte{1, 0, 0}, "found 3 bytes"},
		"header beyond end":   {raw("{}", "")[:9], "header length: found 2, want at most 1"},
		"header huge":         {bytes.Repeat([]byte{0xff}, 64), "header length: found 18446744073709551615"},
		"header overflow":     {append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64-7), "{}"...), "header length"},
		"empty header":        {raw("", ""), "found no '{'"},
		"null header":         {raw("null", ""), "found no '{'"},
		"leading space":       {raw(" {}", ""), "found no '{'"},
		"array header":        {raw("[]", ""), "found no '{'"},
		"cut JSON":            {raw(`{"x":{"dtype":"F32"`, ""), "unexpected EOF"},
		"cut array":           {raw(`{"x":{"shape":[1,`, ""), "unexpected EOF"},
		"two values":          {raw(`{}{}`, ""), "after top-level value"},
		"not UTF-8":           {raw("{\"\xff\":{}}", ""), "not UTF-8"},
		"duplicate tensor":    {raw(`{"x":{},"x":{}}`, ""), `"x": found twice`},
		"duplicate escaped":   {raw(`{"x":{},"\u0078":{}}`, ""), `"x": found twice`},
		"duplicate key":       {raw(`{"x":{"shape":[],"shape":[]}}`, ""), `"x": "shape": found twice`},
		"duplicate metadata":  {raw(`{"__metadata__":{},"__metadata__":{}}`, ""), `"__metadata__": found twice`},
		"number as tensor":    {raw(`{"x":5}`, ""), `"x": found 5, want {`},
		"null as tensor":      {raw(`{"x":null}`, ""), `"x": found <nil>, want {`},
		"metadata number":     {raw(`{"__metadata__":{"a":1}}`, ""), "expected string"},
		"nested metadata":     {raw(`{"__metadata__":{"a":{}}}`, ""), "found an object"},
		"deep":                {raw(deep, ""), `"x": found [, want {`},
		"long shape":          {raw(long, "...."), `"x": "shape": found more than 32`},
		"text in shape":       {raw(entry("F32", `["1"]`, "[0,4]"), "...."), `"x": "shape"`},
		"array in shape":      {raw(entry("F32", `[[1]]`, "[0,4]"), "...."), `"x": "shape"`},
		"negative dimension":  {raw(entry("F32", "[-1]", "[0,4]"), "...."), `"x"`},
		"fractional":          {raw(entry("F32", "[1.0]", "[0,4]"), "...."), `"x"`},
		"missing key":         {raw(`{"x":{"dtype":"F32","shape":[1]}}`, "...."), `"x"`},
		"extra key":           {raw(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"y":1}}`, "...."), `"x"`},
		"unknown type":        {raw(entry("F8_E4M3", "[4]", "[0,4]"), "...."), `"F8_E4M3"`},
		"unread type":         {raw(entry("F64", "[1]", "[0,8]"), "........"), `tensor "x": found elements of F64`},
		"three offsets":       {raw(entry("F32", "[1]", "[0,4,8]"), "...."), `"x"`},
		"offsets swapped":     {raw(entry("F32", "[1]", "[4,0]"), "...."), `tensor "x": found data_offsets [4, 0]`},
		"offsets beyond":      {raw(entry("F32", "[2]", "[0,8]"), "...."), `tensor "x": found data_offsets [0, 8]`},
		"offsets huge":        {raw(entry("U8", "[18446744073709551615]", "[0,18446744073709551615]"), ""), `tensor "x": found data_offsets`},
		"shape too large":     {raw(entry("F32", "[2]", "[0,4]"), "...."), `tensor "x": found shape [2] of F32 in 4 bytes`},
		"shape too small":     {raw(entry("F32", "[]", "[0,8]"), "........"), `tensor "x": found shape [] of F32 in 8 bytes`},
		"odd bytes":           {raw(entry("F32", "[1]", "[0,5]"), "....."), `tensor "x": found shape [1] of F32 in 5 bytes`},
		"product overflow":    {raw(entry("F32", "[4294967296,4294967296]", "[0,0]"), ""), `tensor "x": found shape`},
		"bytes overflow":      {raw(entry("F32", "[4611686018427387904]", "[0,0]"), ""), `tensor "x": found shape`},
		"overflow times zero": {raw(entry("F32", "[4294967296,4294967296,0]", "[0,0]"), ""), `tensor "x": found shape`},
		"dimension overflow":  {raw(entry("F32", "[9223372036854775808,0]", "[0,0]"), ""), `tensor "x": found shape`},
		"garbage at the end":  {raw(entry("F32", "[1]", "[0,4]"), "....x"), `found 1 bytes after the last tensor, "x"`},
		"gap":                 {raw(entry("F32", "[1]", "[4,8]"), "........"), `tensor "x": begins at byte 4 of the data, want 0`},
		"overlap": {raw(`{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, "...."),
			`tensor "y": begins at byte 2 of the data, inside "x" which ends at 3`},
		"same bytes twice": {raw(`{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}`, "..."),
			`tensor "y": begins at byte 0`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeBytes(tc.file)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("found %q, want it to contain %q", err, tc.want)
			}
		})
	}
}

// TestReadClaims holds a small file that claims gigabytes against the memory
// it is given.
func TestReadClaims(t *testing.T) {
	file := raw(`{"x":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}`, "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := decodeBytes(file); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<16 {
		t.Errorf("took %d bytes for a file of %d", taken, len(file))
	}
}

func TestReadTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	f := &File{Tensors: map[string]Tensor{
		"a": {Shape: []int{2, 2}, F32: []float32{1, 2, 3, 4}},
		"b": {Shape: []int{3}, I8: []int8{1, 2, 3}},
	}}
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", n, len(whole))
		} else if !strings.HasPrefix(err.Error(), path) {
			t.Errorf("cut to %d of %d bytes: found %q, want it to begin with the path", n, len(whole), err)
		}
		// The file shrinks after its size was taken.
		if _, err := decode(bytes.NewReader(whole[:n]), int64(len(whole))); err == nil {
			t.Errorf("shrunk to %d of %d bytes: no error", n, len(whole))
		}
	}
}

func TestReadNotAFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "want a regular file") {
		t.Errorf("folder: found %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("missing: found %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(raw(`{}`, ""))
	f.Add(raw(`{"x":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}`, "abcd"))
	f.Add(raw(`{"__metadata__":{"format":"pt"},"x":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"y":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}`, "abcdefgh"))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := decodeBytes(b)
		if err != nil {
			return
		}
		// What was read can be written, and reads back the same.
		var out bytes.Buffer
		if err := encode(&out, first); err != nil {
			t.Fatal(err)
		}
		second, err := decodeBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.Tensors, second.Tensors, sameBits); diff != "" {
			t.Fatal(diff)
		}
	})
}
