package bert

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// LoadOptions change how a folder is read. The zero value reads it as it is.
type LoadOptions struct {
	Seed   uint64   // of weights that the folder does not have
	Labels []string // replace those of config.json, unless nil
	// QuestionAnswering, if not nil, chooses the head whatever config.json says.
	QuestionAnswering *bool
	// MaskedLM chooses the head of masked language modelling whatever config.json
	// says. Without it, the folder of such a model lends its encoder to a classifier.
	MaskedLM bool
	// IgnoreMismatchedSizes makes a tensor of another shape count as missing.
	IgnoreMismatchedSizes bool
}

// LoadReport says what a folder did and did not have.
type LoadReport struct {
	Missing    []string // parameters that were not in the folder and are random
	Unexpected []string // tensors of the folder that the model does not have
	Mismatched []string // parameters whose shape differed, with IgnoreMismatchedSizes
}

// Load reads config.json and the weights of a Hugging Face folder. A folder
// without weights gives a model of random ones, all of them in report.Missing.
func Load(dir string, o LoadOptions) (*Model, LoadReport, error) {
	cfg, err := LoadConfig(dir)
	if err != nil {
		return nil, LoadReport{}, err
	}
	if qa := o.QuestionAnswering; qa != nil && *qa != cfg.QuestionAnswering() {
		cfg = cfg.WithHead(*qa)
	}
	if o.MaskedLM {
		cfg = cfg.WithMaskedLM()
	}
	if o.Labels != nil {
		cfg.Labels = o.Labels
		if err := cfg.Validate(); err != nil {
			return nil, LoadReport{}, err
		}
	}
	f, err := checkpoint.ReadModel(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, found := os.Stat(filepath.Join(dir, "pytorch_model.bin")); found == nil {
			return nil, LoadReport{}, fmt.Errorf("%s: found pytorch_model.bin, want model.safetensors", dir)
		}
		m := New(cfg, o.Seed)
		var r LoadReport
		for _, p := range m.Parameters() {
			r.Missing = append(r.Missing, p.Name)
		}
		return m, r, nil
	}
	if err != nil {
		return nil, LoadReport{}, err
	}
	if err := cfg.fits(f); err != nil {
		return nil, LoadReport{}, fmt.Errorf("%s: %w", dir, err)
	}
	m := build(cfg)
	r, err := m.fill(f, o)
	if err != nil {
		return nil, r, fmt.Errorf("%s: %w", dir, err)
	}
	return m, r, nil
}

// fits refuses, before memory is taken, a configuration of a model far larger
// than the weights beside it. Heads and tables may be missing and large.
func (c *Config) fits(f *checkpoint.File) error {
	const missing = 1 << 26
	held := 0
	for _, x := range f.Tensors {
		held += len(x.F32)
	}
	if values := c.values(); values > 2*held+missing {
		return fmt.Errorf("config.json describes %d parameters, the weights hold %d: want those of one model", values, held)
	}
	return nil
}

// canonical is the name of a tensor as this package spells it: checkpoints of
// the bare encoder lack the prefix "bert.", those converted from TensorFlow
// call the parameters of a LayerNorm gamma and beta.
func (f *family) canonical(name string) string {
	name = strings.NewReplacer("LayerNorm.gamma", "LayerNorm.weight", "LayerNorm.beta", "LayerNorm.bias").Replace(name)
	for _, prefix := range []string{"embeddings.", "encoder.", "transformer.", "pooler."} {
		if strings.HasPrefix(name, prefix) {
			return f.backbone + name
		}
	}
	return name
}

// fill copies the tensors of a checkpoint into the model.
func (m *Model) fill(f *checkpoint.File, o LoadOptions) (LoadReport, error) {
	var r LoadReport
	found := make(map[string]string, len(f.Tensors))
	for _, name := range f.Names() {
		own := m.Config.family().canonical(name)
		if other, twice := found[own]; twice {
			return r, fmt.Errorf("tensors %s and %s: both are %s, want one of them", other, name, own)
		}
		found[own] = name
	}
	if err := m.untie(f, found); err != nil {
		return r, err
	}
	rng := newRand(o.Seed)
	for _, p := range m.Parameters() {
		name, ok := found[p.Name]
		delete(found, p.Name)
		if ok && o.IgnoreMismatchedSizes && !slices.Equal(f.Tensors[name].Shape, p.Shape) {
			r.Mismatched = append(r.Mismatched, p.Name)
			ok = false
		}
		if !ok {
			r.Missing = append(r.Missing, p.Name)
			m.reset(p, rng)
			continue
		}
		data, err := f.F32(name, p.Shape...)
		if err != nil {
			return r, err
		}
		for i, v := range data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return r, fmt.Errorf("tensor %s: element %d is %v, want a finite number", name, i, v)
			}
		}
		copy(p.Data, data)
	}
	for _, name := range found {
		if !strings.HasSuffix(name, "embeddings.position_ids") {
			r.Unexpected = append(r.Unexpected, name)
		}
	}
	slices.Sort(r.Unexpected)
	return r, nil
}

// Restore reads the weights of a folder that [Model.Save] wrote into the model.
// Every parameter must be there in its shape.
func (m *Model) Restore(dir string) error {
	f, err := checkpoint.ReadModel(dir)
	if err != nil {
		return err
	}
	for _, p := range m.Parameters() {
		if _, err := f.F32(p.Name, p.Shape...); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	_, err = m.fill(f, LoadOptions{})
	return err
}

// reset gives a parameter the value it has in a new model, as transformers makes
// it: weights are normal with deviation initializer_range, the row for padding is
// zero, normalisations begin as the identity.
func (m *Model) reset(p *autograd.Param, rng *rand.Rand) {
	switch {
	case len(p.Shape) == 2:
		for i := range p.Data {
			p.Data[i] = float32(rng.NormFloat64() * m.Config.InitializerRange)
		}
		if p == m.Word.Weight || p == m.Position.Weight && m.Config.PositionOffset() > 0 {
			clear(p.Row(m.Config.PadTokenID))
		}
	case strings.HasSuffix(strings.ToLower(p.Name), "layernorm.weight"), strings.HasSuffix(p.Name, "layer_norm.weight"):
		for i := range p.Data {
			p.Data[i] = 1
		}
	default:
		clear(p.Data)
	}
}

// Save writes config.json and model.safetensors, as transformers reads them.
func (m *Model) Save(dir string) error {
	if err := m.Config.Save(dir); err != nil {
		return err
	}
	f := &checkpoint.File{Tensors: map[string]checkpoint.Tensor{}}
	for _, p := range m.Parameters() {
		f.Tensors[p.Name] = checkpoint.Tensor{Shape: p.Shape, F32: p.Data}
	}
	return checkpoint.Write(filepath.Join(dir, checkpoint.WeightsFile), f)
}
