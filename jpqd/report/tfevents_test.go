package report

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/jpqd"
)

// event is a decoded Event protocol buffer.
type event struct {
	WallTime    float64
	Step        int64
	FileVersion string
	Tag         string
	Value       float32
	Plugin      string // that shows a text
	Text        string
}

// readEvents decodes an event file and checks every CRC.
func readEvents(t *testing.T, path string) []event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for len(data) > 0 {
		n := int(binary.LittleEndian.Uint64(data))
		if got, want := binary.LittleEndian.Uint32(data[8:]), maskedCRC(data[:8]); got != want {
			t.Fatalf("CRC of the length: got %#x, want %#x", got, want)
		}
		body := data[12 : 12+n]
		if got, want := binary.LittleEndian.Uint32(data[12+n:]), maskedCRC(body); got != want {
			t.Fatalf("CRC of the data: got %#x, want %#x", got, want)
		}
		var e event
		decode(t, body, func(field int, bits uint64, bytes []byte) {
			switch field {
			case fieldWallTime:
				e.WallTime = math.Float64frombits(bits)
			case fieldStep:
				e.Step = int64(bits)
			case fieldFileVersion:
				e.FileVersion = string(bytes)
			case fieldSummary:
				decode(t, bytes, func(_ int, _ uint64, value []byte) {
					decode(t, value, func(field int, bits uint64, bytes []byte) {
						switch field {
						case fieldTag:
							e.Tag = string(bytes)
						case fieldSimpleValue:
							e.Value = math.Float32frombits(uint32(bits))
						case fieldTensor:
							e.Text = textOf(t, bytes)
						case fieldMetadata:
							decode(t, bytes, func(_ int, _ uint64, plugin []byte) {
								decode(t, plugin, func(_ int, _ uint64, name []byte) { e.Plugin = string(name) })
							})
						}
					})
				})
			}
		})
		events = append(events, e)
		data = data[16+n:]
	}
	return events
}

// textOf is the string of a tensor, which must be of one element.
func textOf(t *testing.T, tensor []byte) (text string) {
	t.Helper()
	decode(t, tensor, func(field int, bits uint64, bytes []byte) {
		switch field {
		case fieldDType:
			if bits != dtypeString {
				t.Errorf("type of a text: found %d, want %d", bits, dtypeString)
			}
		case fieldTensorShape:
			decode(t, bytes, func(_ int, _ uint64, dim []byte) {
				decode(t, dim, func(_ int, size uint64, _ []byte) {
					if size != 1 {
						t.Errorf("size of a text: found %d, want 1", size)
					}
				})
			})
		case fieldStringValue:
			text = string(bytes)
		}
	})
	return text
}

// decode calls visit for every field of a protocol buffer.
func decode(t *testing.T, data []byte, visit func(field int, bits uint64, bytes []byte)) {
	t.Helper()
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		data = data[n:]
		field := int(key >> 3)
		switch key & 7 {
		case wireVarint:
			v, n := binary.Uvarint(data)
			visit(field, v, nil)
			data = data[n:]
		case wireFixed64:
			visit(field, binary.LittleEndian.Uint64(data), nil)
			data = data[8:]
		case wireFixed32:
			visit(field, uint64(binary.LittleEndian.Uint32(data)), nil)
			data = data[4:]
		case wireBytes:
			size, n := binary.Uvarint(data)
			visit(field, 0, data[n:n+int(size)])
			data = data[n+int(size):]
		default:
			t.Fatalf("wire type %d", key&7)
		}
	}
}

// The CRC-32C of "123456789" is the catalogue's check value 0xe3069283; its
// mask is the formula of TFRecord's documentation worked out by hand.
func TestMaskedCRC(t *testing.T) {
	crc := uint32(0xe3069283)
	want := (crc>>15 | crc<<17) + 0xa282ead8
	if got := maskedCRC([]byte("123456789")); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

func TestEventWriter(t *testing.T) {
	w, err := NewEventWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.now = func() time.Time { return time.Unix(1700000000, 500_000_000) }
	if err := w.Scalar(7, "train/loss", 0.25); err != nil {
		t.Fatal(err)
	}
	entry := jpqd.LogEntry{"step": 300, "epoch": 1.5, "eval_accuracy": 0.875, "eval_loss": float32(2), "note": "not a number"}
	if err := w.Log(entry); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := readEvents(t, w.Path())
	if len(got) == 0 || got[0].FileVersion != "brain.Event:2" || got[0].WallTime == 0 {
		t.Fatalf("first event: got %+v, want brain.Event:2", got)
	}
	const at = 1700000000.5
	want := []event{
		{WallTime: at, Step: 7, Tag: "train/loss", Value: 0.25},
		{WallTime: at, Step: 300, Tag: "train/epoch", Value: 1.5},
		{WallTime: at, Step: 300, Tag: "eval/accuracy", Value: 0.875},
		{WallTime: at, Step: 300, Tag: "eval/loss", Value: 2},
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Error(diff)
	}
}

func TestEventWriterTextAndLayers(t *testing.T) {
	w, err := NewEventWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.now = func() time.Time { return time.Unix(1700000000, 0) }
	layers := []jpqd.LayerMasks{
		{Attention: jpqd.MaskCount{Kept: 3, All: 4}, FeedForward: jpqd.MaskCount{Kept: 1, All: 2}},
		{Attention: jpqd.MaskCount{Kept: 0, All: 4}, FeedForward: jpqd.MaskCount{Kept: 2, All: 2}, Heads: []int{}, Neurons: []int{0, 7}},
	}
	if err := errors.Join(w.Text(0, "args", "a | b"), w.Layers(9, layers), w.Close()); err != nil {
		t.Fatal(err)
	}
	const at = 1700000000
	scalar := func(tag string, value float32) event {
		return event{WallTime: at, Step: 9, Tag: "compression/layer_" + tag, Value: value}
	}
	want := []event{
		{WallTime: at, Tag: "args/text_summary", Plugin: "text", Text: "a | b"},
		scalar("00/attention_sparsity", 0.25), scalar("00/feed_forward_sparsity", 0.5),
		scalar("01/attention_sparsity", 1), scalar("01/feed_forward_sparsity", 0), scalar("01/heads_kept", 0), scalar("01/neurons_kept", 2),
	}
	if diff := cmp.Diff(want, readEvents(t, w.Path())[1:]); diff != "" {
		t.Error(diff)
	}
}
