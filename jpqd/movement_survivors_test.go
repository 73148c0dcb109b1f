package jpqd

import "testing"

// What survives in BERT-base however high the threshold is, with distinct
// scores. The quantile is at position 0.98·(n−1) of the n expanded elements, and
// only what is above it lives:
//
//	576 blocks of 1024: 578,026.5 is in block 564 (from 0), leaving 565 to 575
//	24 biases of 32:    751.7 is in the highest one, leaving none
//	3072 rows of 768:   2,312,109.1 is in row 3010, leaving 3011 to 3071
//	3072 biases:        3009.6 is below number 3010, leaving 3010 to 3071
//	3072 columns of 768, and their one bias: as rows; none
func TestSurvivorsOfBERTBase(t *testing.T) {
	for _, test := range []struct {
		name           string
		out, in        int
		structure      SparseStructure
		weight, biases int // scores that live
	}{
		{"attention", 768, 768, SparseStructure{Mode: Block, Factors: [2]int{32, 32}}, 11, 0},
		{"feed-forward, in", 3072, 768, SparseStructure{Mode: PerDim, Axis: 0}, 61, 62},
		{"feed-forward, out", 768, 3072, SparseStructure{Mode: PerDim, Axis: 1}, 61, 0},
	} {
		p := mustSparsify(t, newLinear("layer", test.out, test.in), test.structure)
		for _, o := range []struct {
			*maskedOperand
			want int
		}{{&p.weight, test.weight}, {&p.bias, test.biases}} {
			for i := range o.scores.Data {
				o.scores.Data[i] = float32(i*7%len(o.scores.Data)) - 100 // distinct: no length is a multiple of 7
			}
			o.remask(1e9)
			alive := 0
			for _, m := range o.mask {
				alive += int(m)
			}
			if alive != o.want*o.area() {
				t.Errorf("%s: found %d elements alive in %s, want %d of %d", test.name, alive, o.scores.Name, o.want, o.area())
			}
		}
	}
}
