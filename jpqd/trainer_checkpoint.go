package jpqd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// Files of a checkpoint, beside those of the model.
const (
	trainerStateFile = "trainer_state.json"
	trainingArgsFile = "training_args.json"
	optimizerFile    = "optimizer.safetensors"
)

// trainerState is trainer_state.json: Hugging Face's keys, and after them what
// a bit-exact resume needs. Random numbers need no state: the order of an epoch
// and dropout are functions of the seed and of counters kept here.
type trainerState struct {
	BestMetric          *float64   `json:"best_metric"`
	BestModelCheckpoint string     `json:"best_model_checkpoint,omitempty"`
	Epoch               float64    `json:"epoch"`
	EvalSteps           int        `json:"eval_steps"`
	GlobalStep          int        `json:"global_step"`
	LogHistory          []LogEntry `json:"log_history"`
	LoggingSteps        int        `json:"logging_steps"`
	MaxSteps            int        `json:"max_steps"`
	NumTrainEpochs      int        `json:"num_train_epochs"`
	SaveSteps           int        `json:"save_steps"`
	TrainBatchSize      int        `json:"train_batch_size"`

	EpochIndex    int     `json:"jpqd_epoch_index"`       // of the epoch at hand; −1 before the first
	BatchInEpoch  int     `json:"jpqd_batch_in_epoch"`    // micro-batches of it that are done
	EpochEnded    bool    `json:"jpqd_epoch_ended"`       // and what its end brings is done
	Batches       int     `json:"jpqd_batches"`           // micro-batches done in all
	LoggedStep    int     `json:"jpqd_logged_step"`       // step of the last entry with a loss
	LossSinceLog  float64 `json:"jpqd_loss_since_log"`    // sum over the steps since
	LossTotal     float64 `json:"jpqd_loss_total"`        // sum over all steps
	Pending       bool    `json:"jpqd_pending"`           // an accumulation group has begun: the optimizer's file has its gradients
	StepLoss      float64 `json:"jpqd_step_loss"`         // of that group
	EvaluatedStep int     `json:"jpqd_evaluated_step"`    // last step that was evaluated as evaluation_strategy=steps has it
	SavedStep     int     `json:"jpqd_saved_step"`        // last step that was saved as save_strategy=steps has it
	Examples      int     `json:"jpqd_examples"`          // of the training data
	Data          string  `json:"jpqd_data"`              // checksum of the training data
	TeacherSum    string  `json:"jpqd_teacher"`           // checksum of the teacher's weights; "" without one
	Masking       string  `json:"jpqd_masking,omitempty"` // how tokens are hidden; "" for other tasks

	stepLoss  float64    // of the last step
	last      lastLosses // of the last micro-batch
	evaluated *candidate // the last evaluation, if the best model is wanted
}

// lastLosses are the terms of a loss; 0 where there is none.
type lastLosses struct{ task, distillation, compression float64 }

func (s *trainerState) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return checkpoint.WriteJSON(filepath.Join(dir, trainerStateFile), s)
}

func checkpointName(step int) string { return "checkpoint-" + strconv.Itoa(step) }

// checkOutput makes sure that checkpoints can be written before any work is done.
func (r *run) checkOutput() error {
	if r.Args.OutputDir == "" {
		if r.Args.SaveStrategy != No {
			return errors.New("--output_dir: found none, want a folder for checkpoints, or --save_strategy no")
		}
		return nil
	}
	if err := os.MkdirAll(r.Args.OutputDir, 0o755); err != nil {
		return fmt.Errorf("--output_dir: %w", err)
	}
	f, err := os.CreateTemp(r.Args.OutputDir, ".tmp-writable-*")
	if err != nil {
		return fmt.Errorf("--output_dir: %w", err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// saveCheckpoint writes OutputDir/checkpoint-STEP: into a folder of another
// name first, renamed when it is complete.
func (r *run) saveCheckpoint() error {
	out := r.Args.OutputDir
	if out == "" {
		return errors.New("--output_dir: found none, want a folder for checkpoints")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	name := filepath.Join(out, checkpointName(r.state.GlobalStep))
	dir, err := os.MkdirTemp(out, ".tmp-checkpoint-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := r.writeCheckpoint(dir); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// What stands there under the same name is of an earlier run over the same
	// steps. It may be the only checkpoint, so it goes last.
	old := dir + "-old"
	if err := os.Rename(name, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir, name); err != nil {
		return err
	}
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	return r.rotateCheckpoints()
}

func (r *run) writeCheckpoint(dir string) error {
	if err := r.SaveModel(dir); err != nil {
		return err
	}
	f := &checkpoint.File{Tensors: map[string]checkpoint.Tensor{}, Metadata: map[string]string{"step": strconv.Itoa(r.optimizer.Steps)}}
	for _, g := range r.optimizer.Groups {
		for _, p := range g.Params {
			m := r.optimizer.Moments(p)
			f.Tensors[p.Name+".exp_avg"] = checkpoint.Tensor{Shape: p.Shape, F32: m.M}
			f.Tensors[p.Name+".exp_avg_sq"] = checkpoint.Tensor{Shape: p.Shape, F32: m.V}
			if r.state.Pending && !p.Frozen {
				f.Tensors[p.Name+".grad"] = checkpoint.Tensor{Shape: p.Shape, F32: p.Gradient()}
			}
		}
	}
	if err := checkpoint.Write(filepath.Join(dir, optimizerFile), f); err != nil {
		return err
	}
	if err := checkpoint.WriteJSON(filepath.Join(dir, trainingArgsFile), r.Args); err != nil {
		return err
	}
	if r.OnSave != nil {
		if err := r.OnSave(dir); err != nil {
			return err
		}
	}
	return r.state.save(dir)
}

// rotateCheckpoints removes the oldest checkpoints beyond save_total_limit; the
// best one stays.
func (r *run) rotateCheckpoints() error {
	if r.Args.SaveTotalLimit == 0 {
		return nil
	}
	steps, err := checkpoints(r.Args.OutputDir)
	if err != nil {
		return err
	}
	excess := len(steps) - r.Args.SaveTotalLimit
	for _, step := range steps {
		name := filepath.Join(r.Args.OutputDir, checkpointName(step))
		if excess <= 0 || step == r.state.GlobalStep {
			break
		}
		if r.Args.LoadBestModelAtEnd && name == r.state.BestModelCheckpoint {
			continue
		}
		if err := os.RemoveAll(name); err != nil {
			return err
		}
		excess--
	}
	return nil
}

// adoptCheckpoints gives complete checkpoints with a temporary name the name of
// their step if no other has it.
func adoptCheckpoints(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		var state trainerState
		if !temporaryPattern.MatchString(e.Name()) || checkpoint.ReadJSON(filepath.Join(path, trainerStateFile), &state) != nil {
			continue
		}
		name := filepath.Join(dir, checkpointName(state.GlobalStep))
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(path, name); err != nil {
				return err
			}
		}
	}
	return nil
}

var temporaryPattern = regexp.MustCompile(`^\.tmp-checkpoint-\d+(-old)?$`)

var checkpointPattern = regexp.MustCompile(`^checkpoint-(\d{1,9})$`)

// checkpoints lists the steps of dir's complete checkpoints, ascending.
func checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		m := checkpointPattern.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), trainerStateFile)); err != nil {
			continue
		}
		step, _ := strconv.Atoi(m[1]) // at most nine digits
		steps = append(steps, step)
	}
	slices.Sort(steps)
	return steps, nil
}

// LastCheckpoint returns the folder checkpoint-N of dir with the highest N that
// is complete, or "" if there is none.
//
// A kill may have caught a checkpoint between the two renames that put it in
// the place of another one; LastCheckpoint then gives it its name.
func LastCheckpoint(dir string) (string, error) {
	if err := adoptCheckpoints(dir); err != nil {
		return "", err
	}
	steps, err := checkpoints(dir)
	if err != nil || len(steps) == 0 {
		return "", err
	}
	return filepath.Join(dir, checkpointName(steps[len(steps)-1])), nil
}
