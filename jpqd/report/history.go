package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// Limits of trainer_state.json: a run of a million steps that logs every tenth stays below them.
const (
	maxStateBytes = 256 << 20
	maxKeys       = 256  // different keys of log_history
	maxDrawn      = 1e30 // magnitude; beyond it an axis has no room for differences
)

// Point is a logged number and the optimizer steps that were done then.
type Point struct{ Step, Value float64 }

// History is log_history by key, for example "loss": the finite numbers in the
// order of their steps.
type History map[string][]Point

// state is what a report reads of trainer_state.json.
type state struct {
	globalStep, maxSteps float64 // 0 where the file does not say
	history              History
}

// readState reads a trainer_state.json as transformers or [jpqd.Trainer] writes it.
func readState(path string) (*state, error) {
	data, err := readRegular(path, maxStateBytes)
	if err != nil {
		return nil, err
	}
	s := &state{history: History{}}
	if err := s.decode(nanToText(data)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, points := range s.history {
		slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Step, b.Step) })
	}
	return s, nil
}

// readRegular reads a file of at most limit bytes.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: want a regular file", path)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: found %d bytes, want at most %d", path, info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: found more than %d bytes", path, limit)
	}
	return data, err
}

// nanToText replaces, in place, what Python writes for numbers that JSON does
// not have by texts, so that the log of a run that diverged can be read.
func nanToText(data []byte) []byte {
	inText := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == 'N' || c == 'I' || c == '-'):
			for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(data[i:], []byte(word)) {
					copy(data[i:], `""`+"       "[:len(word)-2])
					i += len(word) - 1
					break
				}
			}
		}
	}
	return data
}

// decode reads the top level and the entries one by one: what a log of many
// entries needs is its numbers, not its text.
func (s *state) decode(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	// fail names the line that was read last.
	fail := func(key string, err error) error {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		line := 1 + bytes.Count(data[:min(dec.InputOffset(), int64(len(data)))], []byte{'\n'})
		return fmt.Errorf("line %d: %s%w", line, key, err)
	}
	if token, err := dec.Token(); err != nil {
		return fail("", err)
	} else if token != json.Delim('{') {
		return fail("", fmt.Errorf("found %v, want an object", token))
	}
	hasLog := false
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return fail("", err)
		}
		key := fmt.Sprint(token)
		switch key {
		case "log_history":
			hasLog = true
			if err := s.decodeLog(dec, fail); err != nil {
				return err
			}
		case "global_step", "max_steps":
			var n *float64
			if err := dec.Decode(&n); err != nil {
				return fail(key+": ", err)
			}
			if n != nil && key == "global_step" {
				s.globalStep = *n
			} else if n != nil {
				s.maxSteps = *n
			}
		default:
			var ignored json.RawMessage
			if err := dec.Decode(&ignored); err != nil {
				return fail(key+": ", err)
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		return fail("", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fail("", errors.New("found more after the object, want its end"))
	}
	if !hasLog {
		return errors.New("log_history: found none, want the list of what was logged")
	}
	return nil
}

func (s *state) decodeLog(dec *json.Decoder, fail func(string, error) error) error {
	token, err := dec.Token()
	if err != nil {
		return fail("log_history: ", err)
	}
	if token != json.Delim('[') {
		return fail("log_history: ", fmt.Errorf("found %v, want a list", token))
	}
	for i := 0; dec.More(); i++ {
		var entry map[string]any
		if err := dec.Decode(&entry); err != nil {
			return fail(fmt.Sprintf("log_history[%d]: ", i), err)
		}
		if err := s.add(entry); err != nil {
			return fail(fmt.Sprintf("log_history[%d]", i), err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return fail("log_history: ", err)
	}
	return nil
}

// add takes the numbers of an entry.
func (s *state) add(entry map[string]any) error {
	step, ok := entry["step"].(float64)
	if !ok || step < 0 || step > 1<<53 {
		found := "none"
		if v, has := entry["step"]; has {
			found = fmt.Sprint(v)
		}
		return fmt.Errorf(".step: found %.40s, want a number of steps", found)
	}
	for key, v := range entry {
		value, ok := v.(float64)
		if !ok || key == "step" || math.Abs(value) > maxDrawn {
			continue
		}
		if _, known := s.history[key]; !known && len(s.history) == maxKeys {
			return fmt.Errorf(": found more than %d different keys in the log", maxKeys)
		}
		s.history[key] = append(s.history[key], Point{step, value})
	}
	return nil
}

// matching are the keys that has says yes to, sorted.
func (h History) matching(has func(key string) bool) []string {
	var keys []string
	for key := range h {
		if has(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// at is the last point at or before a step.
func (h History) at(key string, step float64) (Point, bool) {
	points := h[key]
	i, _ := slices.BinarySearchFunc(points, step, func(p Point, step float64) int {
		if p.Step <= step {
			return -1
		}
		return 1
	})
	if i == 0 {
		return Point{}, false
	}
	return points[i-1], true
}

// after is the first point behind a step.
func (h History) after(key string, step float64) (Point, bool) {
	for _, p := range h[key] {
		if p.Step > step {
			return p, true
		}
	}
	return Point{}, false
}
