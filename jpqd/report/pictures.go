package report

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// figures are the pictures that the run has data for.
func (r *Run) figures() ([]*figure, error) {
	trajectory, err := curveFigure("trajectory", "Sparsity, metrics and losses", trajectoryParts, r.History, r.Stages)
	if err != nil {
		return nil, err
	}
	schedule, err := curveFigure("schedule", "Sparsity and its schedule", scheduleParts, r.History, r.Stages)
	if err != nil {
		return nil, err
	}
	if trajectory != nil {
		trajectory.caption = r.trajectory() + "Losses in training: the sum of all terms is a mean since the last entry of the log, a single term is that of one batch. The shaded part of the loss is the regulariser's share."
		if !r.Sparse {
			trajectory.title, trajectory.caption = "Metrics and losses", "Losses and evaluation metrics over the optimizer steps."
		}
	}
	if schedule != nil {
		schedule.caption = "Importance threshold τ and regularisation factor λ rise through warm-up and prune; then masks are final and the regulariser ends. Before warm-up there is no threshold."
		if !r.Sparse {
			schedule.title, schedule.caption = "Schedule", "The learning rate over the optimizer steps."
		}
	}
	all := []*figure{trajectory, schedule}
	if r.Sparse {
		parameters, err := parametersFigure(r.Layers)
		if err != nil {
			return nil, err
		}
		neurons, err := neuronsFigure(r.Layers)
		if err != nil {
			return nil, err
		}
		all = append(all, parameters, headsFigure(r.Layers), neurons)
	}
	var found []*figure
	for _, f := range all {
		if f != nil {
			found = append(found, f)
		}
	}
	return found, nil
}

// WritePictures writes every picture to a file of its own in dir, which is made
// if need be, and returns their paths. format is "svg" or "png".
func (r *Run) WritePictures(dir, format string) ([]string, error) {
	encode := map[string]func(*figure) ([]byte, error){"svg": (*figure).svg, "png": (*figure).png}[format]
	if encode == nil {
		return nil, fmt.Errorf("format of pictures: found %q, want \"svg\" or \"png\"", format)
	}
	figures, err := r.figures()
	if err != nil {
		return nil, err
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("%s: found nothing to draw: no log and no pruned layers", r.Title)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range figures {
		data, err := encode(f)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, f.name+"."+format)
		if err := renameio.WriteFile(path, data, 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
