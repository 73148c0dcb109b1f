package jpqd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// Statistics by hand: a weight of (16, 16) of which a quarter is masked and
// one more element is zero by itself.
func TestStatistics(t *testing.T) {
	m := bert.New(tinyConfig(), 1)
	c := mustCompress(t, m, tinyNNCF(t, ""))
	total := 0
	for _, p := range m.Parameters() {
		fill(p.Data, 1)
		total += len(p.Data)
	}
	// Two layers of 4 attention weights of (16, 16), one of (24, 16) and one of
	// (16, 24), each with its bias.
	const linear = 2 * (4*(16*16+16) + 24*16 + 24 + 16*24 + 16)
	q := m.Layers[0].Query
	q.Weight.Data[255], q.Bias.Data[3] = 0, 0
	m.EmbeddingNorm.Bias.Data[0] = 0
	clear(c.linears[q.Name].sparse.weight.mask[:64])
	q.Weight.Data[0] = 0 // and masked: counts once
	s := c.statistics()
	if want := 66.0 / linear; math.Abs(s.LinearLayerSparsity-want) > 1e-12 {
		t.Errorf("linear layers: found %v, want %v", s.LinearLayerSparsity, want)
	}
	if want := 67 / float64(total); math.Abs(s.ModelSparsity-want) > 1e-12 || s.CompressionRate() != s.ModelSparsity {
		t.Errorf("model: found %v and a compression rate of %v, want %v", s.ModelSparsity, s.CompressionRate(), want)
	}
	if len(s.Layers) != 24 {
		t.Fatalf("found %d layers, want 12 weights and 12 biases", len(s.Layers))
	}
	node := c.linears[q.Name].sparse.node
	for i, want := range []LayerStatistics{
		{node, []int{16, 16}, 65.0 / 256, 256.0 / linear},
		{node + "/bias", []int{16}, 1.0 / 16, 16.0 / linear},
	} {
		got := s.Layers[i]
		if got.Name != want.Name || !slices.Equal(got.Shape, want.Shape) || got.Sparsity != want.Sparsity || math.Abs(got.Share-want.Share) > 1e-15 {
			t.Errorf("found %+v, want %+v", got, want)
		}
	}
	share := 0.0
	for _, l := range s.Layers {
		share += l.Share
	}
	if math.Abs(share-1) > 1e-12 {
		t.Errorf("found shares of %v together, want 1", share)
	}
}

func TestCompressionStage(t *testing.T) {
	// Warm-up from epoch 1 to epoch 2.5: epoch 2 is the last that begins in it.
	s := newMovementSchedule(scheduleConfig(1, 2.5, 2))
	for epoch, want := range []string{"UNCOMPRESSED", "UNCOMPRESSED", "PARTIALLY_COMPRESSED", "PARTIALLY_COMPRESSED", "FULLY_COMPRESSED"} {
		if got := s.compressionStage().String(); got != want { // the first one is before training
			t.Errorf("epoch %d: found %s, want %s", epoch-1, got, want)
		}
		if err := s.epochStep(); err != nil {
			t.Fatal(err)
		}
		s.step()
		s.step()
	}
	// One that ends where an epoch does has that epoch fully compressed.
	s = newMovementSchedule(scheduleConfig(1, 2, 2))
	for epoch, want := range []CompressionStage{Uncompressed, PartiallyCompressed, FullyCompressed} {
		if s.CurrentEpoch = epoch; s.compressionStage() != want {
			t.Errorf("epoch %d: found %s, want %s", epoch, s.compressionStage(), want)
		}
	}
}

// The count of zeros does not depend on where chunks end, and every float that
// is not zero counts as such.
func TestZeroCount(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var z zeroCount
	var want []int
	for _, n := range []int{1, zeroChunkLength - 1, zeroChunkLength, 2*zeroChunkLength + 5} {
		for _, masked := range []bool{false, true} {
			data, mask := make([]float32, n), []float32(nil)
			if masked {
				mask = make([]float32, n)
			}
			zeros := 0
			for i := range data {
				data[i] = []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.SmallestNonzeroFloat32, -math.MaxFloat32}[rng.IntN(6)]
				alive := true
				if masked {
					mask[i] = float32(rng.IntN(2))
					alive = mask[i] == 1
				}
				zeros += boolInt(data[i] == 0 || !alive)
			}
			z.add(data, mask)
			want = append(want, zeros)
		}
	}
	if got := z.zeros(); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// The statistics of BERT-base.
func BenchmarkStatistics(b *testing.B) {
	m := bert.New(bert.DefaultConfig(), 1)
	cfg, err := LoadNNCFConfig("../configs/bert-base-jpqd-sst2.json")
	if err != nil {
		b.Fatal(err)
	}
	c, err := newCompression(m, cfg, quiet)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.statistics()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/call")
}
