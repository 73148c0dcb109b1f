package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/jpqd"
)

// EventWriter writes a TensorBoard event file: a sequence of TFRecords, each
// holding one Event protocol buffer. A point is on disk when the call that
// wrote it returns. An EventWriter is used by one goroutine.
type EventWriter struct {
	file *os.File
	now  func() time.Time
}

// NewEventWriter creates dir and in it an event file named as TensorBoard
// expects: events.out.tfevents.<unix time>.<host>.<process>.
func NewEventWriter(dir string) (*EventWriter, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	name := fmt.Sprintf("events.out.tfevents.%d.%s.%d", time.Now().Unix(), host, os.Getpid())
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	w := &EventWriter{file: file, now: time.Now}
	// The first event of a file says which version its events have.
	if err := w.write(appendString(w.header(0), fieldFileVersion, "brain.Event:2")); err != nil {
		file.Close()
		return nil, err
	}
	return w, nil
}

// Path is the event file's path.
func (w *EventWriter) Path() string { return w.file.Name() }

// Scalar writes one point of the curve named tag.
func (w *EventWriter) Scalar(step int64, tag string, value float64) error {
	var point, summary []byte
	point = appendString(point, fieldTag, tag)
	point = appendFixed32(point, fieldSimpleValue, math.Float32bits(float32(value)))
	summary = appendBytes(summary, fieldValue, point)
	return w.write(appendBytes(w.header(step), fieldSummary, summary))
}

// Text writes a text that TensorBoard shows, as Markdown, under tag/text_summary.
func (w *EventWriter) Text(step int64, tag, text string) error {
	plugin := appendBytes(nil, fieldPluginData, appendString(nil, fieldPluginName, "text"))
	dims := appendBytes(nil, fieldDim, appendVarint(nil, fieldSize, 1))
	tensor := appendVarint(nil, fieldDType, dtypeString)
	tensor = appendBytes(tensor, fieldTensorShape, dims)
	tensor = appendString(tensor, fieldStringValue, text)
	value := appendString(nil, fieldTag, tag+"/text_summary")
	value = appendBytes(value, fieldTensor, tensor)
	value = appendBytes(value, fieldMetadata, plugin)
	return w.write(appendBytes(w.header(step), fieldSummary, appendBytes(nil, fieldValue, value)))
}

// Layers writes what masks leave of every layer, under compression/layer_00/…:
// the sparsity of attention and feed-forward part and, once masks are final, the
// numbers of heads and neurons that are kept.
func (w *EventWriter) Layers(step int64, layers []jpqd.LayerMasks) error {
	for i := range layers {
		l := &layers[i]
		tag := fmt.Sprintf("compression/layer_%02d/", i)
		err := errors.Join(
			w.Scalar(step, tag+"attention_sparsity", l.Attention.Sparsity()),
			w.Scalar(step, tag+"feed_forward_sparsity", l.FeedForward.Sparsity()))
		if l.Heads != nil {
			err = errors.Join(err, w.Scalar(step, tag+"heads_kept", float64(len(l.Heads))))
		}
		if l.Neurons != nil {
			err = errors.Join(err, w.Scalar(step, tag+"neurons_kept", float64(len(l.Neurons))))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Log writes every number of an entry of log_history under the tags that
// transformers gives them: eval_x becomes eval/x, anything else train/x.
func (w *EventWriter) Log(entry jpqd.LogEntry) error {
	step, _ := number(entry["step"])
	keys := make([]string, 0, len(entry))
	for key := range entry {
		if key != "step" {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		value, ok := number(entry[key])
		if !ok {
			continue
		}
		tag := "train/" + key
		if rest, isEval := strings.CutPrefix(key, "eval_"); isEval {
			tag = "eval/" + rest
		}
		if err := w.Scalar(int64(step), tag, value); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file.
func (w *EventWriter) Close() error { return w.file.Close() }

// header begins an Event with its time and step.
func (w *EventWriter) header(step int64) []byte {
	seconds := float64(w.now().UnixNano()) / 1e9
	event := appendFixed64(nil, fieldWallTime, math.Float64bits(seconds))
	return appendVarint(event, fieldStep, uint64(step))
}

// write appends a TFRecord: the length (8 bytes, little endian), its masked
// CRC, the data, the data's masked CRC.
func (w *EventWriter) write(data []byte) error {
	record := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	record = binary.LittleEndian.AppendUint32(record, maskedCRC(record))
	record = append(record, data...)
	record = binary.LittleEndian.AppendUint32(record, maskedCRC(data))
	_, err := w.file.Write(record)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the CRC32-C rotated right by 15 bits plus a constant, so that
// the CRC of data that holds CRCs stays meaningful.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// Field numbers of Event, Summary, Summary.Value and what a text is made of.
const (
	fieldWallTime    = 1 // Event: double
	fieldStep        = 2 // Event: int64
	fieldFileVersion = 3 // Event: string
	fieldSummary     = 5 // Event: Summary
	fieldValue       = 1 // Summary: repeated Value
	fieldTag         = 1 // Value: string
	fieldSimpleValue = 2 // Value: float
	fieldTensor      = 8 // Value: TensorProto
	fieldMetadata    = 9 // Value: SummaryMetadata
	fieldPluginData  = 1 // SummaryMetadata: PluginData
	fieldPluginName  = 1 // PluginData: string
	fieldDType       = 1 // TensorProto: enum
	fieldTensorShape = 2 // TensorProto: TensorShapeProto
	fieldStringValue = 8 // TensorProto: repeated bytes
	fieldDim         = 2 // TensorShapeProto: repeated Dim
	fieldSize        = 1 // Dim: int64

	dtypeString = 7 // DT_STRING
)

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func appendVarint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<3|wireVarint)), v)
}

func appendFixed64(b []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, byte(field<<3|wireFixed64)), v)
}

func appendFixed32(b []byte, field int, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(b, byte(field<<3|wireFixed32)), v)
}

func appendBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<3|wireBytes)), uint64(len(v)))
	return append(b, v...)
}

func appendString(b []byte, field int, v string) []byte {
	return appendBytes(b, field, []byte(v))
}

// number is the value of a log entry's field as a float64, if it is a number.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case float32:
		return float64(x), true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	default:
		return 0, false
	}
}
