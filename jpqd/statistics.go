package jpqd

import (
	"log/slog"
	"math"

	"github.com/go-jpqd/jpqd/kernels"
)

// Statistics are NNCF's figures of movement sparsity.
type Statistics struct {
	ModelSparsity       float64 // zeros / all parameters of the model; scores and quantizers not counted
	LinearLayerSparsity float64 // zeros / elements of the sparsified weights and biases, masks applied
	Threshold           float64 // importance_threshold
	Factor              float64 // importance_regularization_factor
	Stage               Stage
	CompressionStage    CompressionStage
	Layers              []LayerStatistics
}

// CompressionRate is NNCF's compression_rate of a controller of movement
// sparsity: the sparsity of the model.
func (s *Statistics) CompressionRate() float64 { return s.ModelSparsity }

// LayerStatistics are the figures of one sparsified weight or bias.
type LayerStatistics struct {
	Name     string // NNCF's name of the Linear, for its bias with "/bias" behind it
	Shape    []int
	Sparsity float64 // zeros / elements, mask applied
	Share    float64 // elements / those of all sparsified weights and biases
}

// CompressionStage is how far the epoch that has begun is in NNCF's view.
type CompressionStage int

// The stages: before the epoch in which warm-up starts, from there on, and from
// the epoch in which it ends.
const (
	Uncompressed CompressionStage = iota
	PartiallyCompressed
	FullyCompressed
)

// String is NNCF's name of the stage.
func (s CompressionStage) String() string {
	return [...]string{"UNCOMPRESSED", "PARTIALLY_COMPRESSED", "FULLY_COMPRESSED"}[s]
}

// compressionStage goes by the epoch, as that of NNCF's controller; within an
// epoch [movementSchedule.stage] may be further.
func (s *movementSchedule) compressionStage() CompressionStage {
	switch epoch := float64(s.CurrentEpoch); {
	case epoch < s.cfg.WarmupStartEpoch:
		return Uncompressed
	case epoch >= s.cfg.WarmupEndEpoch:
		return FullyCompressed
	}
	return PartiallyCompressed
}

// statistics counts zeros of mask∘parameter; a value that happens to be zero counts.
func (c *compression) statistics() Statistics {
	s := Statistics{
		Threshold: c.threshold, Factor: c.loss.factor, Stage: c.schedule.stage(), CompressionStage: c.schedule.compressionStage(),
		Layers: make([]LayerStatistics, 0, 2*len(c.sparsifiers)),
	}
	var count zeroCount
	pruned := map[*float32]bool{}
	linear := 0
	for _, p := range c.sparsifiers {
		for _, part := range []struct {
			suffix string
			data   []float32
			shape  []int
			mask   []float32
		}{{"", p.linear.Weight.Data, p.linear.Weight.Shape, p.weight.mask}, {"/bias", p.linear.Bias.Data, p.linear.Bias.Shape, p.bias.mask}} {
			count.add(part.data, part.mask)
			pruned[&part.data[0]] = true
			linear += len(part.data)
			s.Layers = append(s.Layers, LayerStatistics{Name: p.node + part.suffix, Shape: part.shape, Share: float64(len(part.data))})
		}
	}
	total := linear
	for _, p := range c.model.Parameters() {
		if !pruned[&p.Data[0]] {
			count.add(p.Data, nil)
			total += len(p.Data)
		}
	}
	zeros := count.zeros()
	linearZeros := 0
	for i := range s.Layers {
		l := &s.Layers[i]
		linearZeros += zeros[i]
		l.Sparsity = float64(zeros[i]) / l.Share
		l.Share /= float64(linear)
	}
	all := 0
	for _, n := range zeros {
		all += n
	}
	s.LinearLayerSparsity = float64(linearZeros) / float64(linear)
	s.ModelSparsity = float64(all) / float64(total)
	return s
}

// log writes the figures, and those of every layer, at level debug, if wanted.
func (s *Statistics) log(log *slog.Logger, layers bool) {
	log.Info("movement_sparsity: statistics", "compression_stage", s.CompressionStage.String(),
		"model_sparsity", s.ModelSparsity, "linear_layer_sparsity", s.LinearLayerSparsity,
		"importance_threshold", s.Threshold, "importance_regularization_factor", s.Factor)
	if !layers {
		return
	}
	for _, l := range s.Layers {
		log.Debug("movement_sparsity: layer", "name", l.Name, "shape", shape(l.Shape...), "sparsity", l.Sparsity, "share", l.Share)
	}
}

// zeroCount counts the zeros of tensors, a chunk of one at a time, on all CPUs.
type zeroCount struct {
	tensors int
	chunks  []zeroChunk
}

type zeroChunk struct {
	tensor     int
	data, mask []float32 // mask: nil for none
	nonzero    int
}

const zeroChunkLength = 1 << 16

// add appends a tensor.
func (z *zeroCount) add(data, mask []float32) {
	for i := 0; i < len(data); i += zeroChunkLength {
		end := min(i+zeroChunkLength, len(data))
		c := zeroChunk{tensor: z.tensors, data: data[i:end]}
		if mask != nil {
			c.mask = mask[i:end]
		}
		z.chunks = append(z.chunks, c)
	}
	z.tensors++
}

// zeros returns the number of zeros of every tensor, in the order of add.
func (z *zeroCount) zeros() []int {
	kernels.Parallel(len(z.chunks), z)
	zeros := make([]int, z.tensors)
	for _, c := range z.chunks {
		zeros[c.tensor] += len(c.data) - c.nonzero
	}
	return zeros
}

// Run counts one chunk; it makes a zeroCount a kernels.Task.
func (z *zeroCount) Run(i int) {
	c := &z.chunks[i]
	n := 0
	if c.mask == nil {
		for _, v := range c.data {
			n += isNonzero(v)
		}
	} else {
		mask := c.mask[:len(c.data)]
		for j, v := range c.data {
			n += isNonzero(v) & isNonzero(mask[j])
		}
	}
	c.nonzero = n
}

// isNonzero is 1 for v ≠ 0, computed without a branch, which the masks of
// single weights would mispredict every other time.
func isNonzero(v float32) int {
	b := math.Float32bits(v) << 1
	return int((b | -b) >> 31)
}
