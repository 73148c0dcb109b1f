package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Run is what the folder of a training run tells. What a folder does not have is
// zero, with a note that says so.
type Run struct {
	Title   string
	Args    map[string]json.RawMessage // training_args.json
	Results map[string]float64         // all_results.json
	History History
	Stages  *Stages // nil: without movement sparsity, or unknown
	Layers  []Layer // nil: not compressed, or unknown
	Sizes   *Sizes  // nil: not compressed, or unknown
	Sparse  bool    // movement sparsity is part of the run
	Notes   []string
}

// Files of a run, beside those that package jpqd names.
const (
	stateFile       = "trainer_state.json"
	argsFile        = "training_args.json"
	resultsFile     = "all_results.json"
	configFile      = "config.json"
	compressionFile = "compression_state.json"
)

// Read reads the folder of a run: of one that is done, or of one that is still
// going or was stopped, whose last checkpoint tells how far it came. t is the
// trainer that holds the run's model; nil: the model is read from the folder.
func Read(dir string, t *jpqd.Trainer) (*Run, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, want the output folder of a run", dir)
	}
	source, err := Newest(dir)
	if err != nil {
		return nil, err
	}
	if source == "" && !exists(dir, configFile) && !exists(dir, structuredFile) {
		return nil, fmt.Errorf("%s: found no %s, no checkpoint and no %s, want the output folder of a run", dir, stateFile, configFile)
	}
	r := &Run{History: History{}}
	switch source {
	case "":
		r.note("There is no %s and no checkpoint: how training went is not known.", stateFile)
		source = dir
	case dir:
	default:
		r.note("The run is not finished: this is the state of its last checkpoint, %s.", filepath.Base(source))
	}
	for _, read := range []func(dir, source string) error{r.readHistory, r.readArguments, r.readResults} {
		if err := read(dir, source); err != nil {
			return nil, err
		}
	}
	if err := r.readCompression(source, t); err != nil {
		return nil, err
	}
	r.Title = r.title(dir)
	return r, nil
}

func (r *Run) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

var checkpointName = regexp.MustCompile(`^checkpoint-(\d{1,9})$`)

// Newest is the folder of a run whose trainer_state.json is the newest: dir, where
// it is written last, or its last checkpoint if that is newer; "" if there is none.
func Newest(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	last, found := -1, ""
	for _, e := range entries {
		m := checkpointName.FindStringSubmatch(e.Name())
		if m == nil || !exists(filepath.Join(dir, e.Name()), stateFile) {
			continue
		}
		if step, _ := strconv.Atoi(m[1]); step > last { // at most nine digits
			last, found = step, filepath.Join(dir, e.Name())
		}
	}
	own, err := os.Stat(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return "", err
	}
	if found != "" {
		if newer, err := os.Stat(filepath.Join(found, stateFile)); err == nil && newer.ModTime().After(own.ModTime()) {
			return found, nil
		}
	}
	return dir, nil
}

func (r *Run) readHistory(_, source string) error {
	s, err := readState(filepath.Join(source, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.History = s.history
	if len(s.history) == 0 {
		r.note("The log is empty: training has logged nothing yet (logging_steps says how often it does).")
	}
	if s.maxSteps > 0 && s.globalStep < s.maxSteps {
		r.note("%.0f of %.0f steps are done.", s.globalStep, s.maxSteps)
	}
	return nil
}

func (r *Run) readArguments(dir, source string) error {
	for _, folder := range []string{dir, source} {
		err := checkpoint.ReadJSON(filepath.Join(folder, argsFile), &r.Args)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r.note("There is no %s: the arguments are not known.", argsFile)
	return nil
}

// readResults takes the numbers of all_results.json.
func (r *Run) readResults(dir, source string) error {
	if source != dir {
		return nil // what lies there is of an earlier run
	}
	var results map[string]any
	err := checkpoint.ReadJSON(filepath.Join(dir, resultsFile), &results)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Results = map[string]float64{}
	for key, v := range results {
		if number, ok := v.(float64); ok {
			r.Results[key] = number
		}
	}
	return nil
}

// readCompression finds what the configuration did to the model.
func (r *Run) readCompression(source string, t *jpqd.Trainer) error {
	path := filepath.Join(source, jpqd.NNCFConfigFile)
	config, err := jpqd.LoadNNCFConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.withoutConfig(source)
		return nil
	}
	if err != nil {
		return err
	}
	if s := config.MovementSparsity; s != nil {
		r.Sparse = true
		var schedule struct {
			StepsPerEpoch int `json:"_steps_per_epoch"`
		}
		err := checkpoint.ReadJSON(filepath.Join(source, compressionFile), &schedule)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.Stages = stagesOf(s, schedule.StepsPerEpoch, r.History)
	}
	if t == nil {
		if t, err = jpqd.LoadTrained(source, slog.New(slog.DiscardHandler)); err != nil { // what it warns of was logged in training
			r.note("The model cannot be read, so that its sizes are not known: %v.", err)
			r.readStructured(source)
			return nil
		}
	}
	compressed, err := t.Compressed()
	if err != nil {
		return err
	}
	sizes := Measure(compressed)
	r.Sizes, r.Layers = &sizes, layersOf(compressed, &sizes, t.LayerMasks())
	return nil
}

// withoutConfig is for plain training, and for what optimum-intel leaves.
func (r *Run) withoutConfig(source string) {
	if exists(source, structuredFile) {
		r.Sparse = true
		r.note("There is no %s: where the stages of pruning begin is not known.", jpqd.NNCFConfigFile)
		r.readStructured(source)
		return
	}
	r.note("There is no %s: the model is trained in float32 and not compressed.", jpqd.NNCFConfigFile)
}

// readStructured takes the layers from NNCF's table.
func (r *Run) readStructured(source string) {
	layers, err := readStructured(filepath.Join(source, structuredFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.note("There is no %s: what is left of each layer is not known.", structuredFile)
	case err != nil:
		r.note("What is left of each layer cannot be read: %v.", err)
	default:
		r.Layers = layers
	}
}

// title is run_name, or the command by an argument that only it has, or the folder's name.
func (r *Run) title(dir string) string {
	for _, arg := range []struct{ key, format string }{{"run_name", "%s"}, {"task_name", "jpqd glue %s"}} {
		var text string
		if json.Unmarshal(r.Args[arg.key], &text) == nil && text != "" {
			return fmt.Sprintf(arg.format, text)
		}
	}
	if _, windows := r.Args["doc_stride"]; windows {
		return "jpqd qa"
	}
	if _, masked := r.Args["mlm_probability"]; masked {
		return "jpqd mlm"
	}
	if absolute, err := filepath.Abs(dir); err == nil {
		return filepath.Base(absolute)
	}
	return dir
}

// trajectory says in a sentence how pruning went: the sparsity before and after
// the masks became final, and the first metric before, during and after warm-up.
func (r *Run) trajectory() string {
	if r.Stages == nil {
		return ""
	}
	text := ""
	end := r.Stages.WarmupEnd
	if during, ok := r.History.at(linearSparsity, end); ok {
		text = fmt.Sprintf("At step %.0f, the last one logged in warm-up, %s of the Linear layers' parameters were masked", during.Step, percent(during.Value))
		if after, ok := r.History.after(linearSparsity, end); ok {
			text += fmt.Sprintf("; with final masks it is %s", percent(after.Value))
		}
		text += ". "
	}
	metrics := r.History.matching(isMetric)
	if len(metrics) == 0 {
		return text
	}
	key := metrics[0]
	before, hasBefore := r.History.at(key, r.Stages.WarmupStart)
	during, hasDuring := r.History.at(key, end)
	last, hasLast := r.History.at(key, math.Inf(1))
	if hasBefore && hasDuring && hasLast && during.Step > r.Stages.WarmupStart && last.Step > end {
		text += fmt.Sprintf("%s was %.4g before warm-up (step %.0f), %.4g at its end (step %.0f) and is %.4g at step %.0f. ",
			key, before.Value, before.Step, during.Value, during.Step, last.Value, last.Step)
	}
	return text
}
