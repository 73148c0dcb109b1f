package tasks

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/jpqd"
)

var nan = float32(math.NaN())

// oneHot are logits of the given classes.
func oneHot(classes []int, numLabels int) []float32 {
	logits := make([]float32, len(classes)*numLabels)
	for i, c := range classes {
		logits[i*numLabels+c] = 1
	}
	return logits
}

func labelled(labels ...int32) []jpqd.Example {
	examples := make([]jpqd.Example, len(labels))
	for i, l := range labels {
		examples[i].Label = l
	}
	return examples
}

func targets(values ...float32) []jpqd.Example {
	examples := make([]jpqd.Example, len(values))
	for i, v := range values {
		examples[i].Target = v
	}
	return examples
}

func TestMetrics(t *testing.T) {
	three := GLUETask{Labels: []string{"a", "b", "c"}, Metric: Matthews}
	mse := GLUETask{Regression: true, Metric: MSE}
	glue := func(name string) GLUETask {
		task, err := LookupGLUE(name)
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	// 8 examples: 3 true positives, 2 true negatives, 2 false positives, 1 false negative.
	labels := labelled(1, 0, 1, 1, 0, 1, 0, 0)
	logits := oneHot([]int{1, 0, 0, 1, 1, 1, 0, 1}, 2)
	scores := []float32{0.5, 2.25, 2.25, 4, -1, 3.5}
	gold := targets(0, 2.5, 3, 5, 0, 2.5)
	tests := []struct {
		name     string
		task     GLUETask
		logits   []float32
		examples []jpqd.Example
		want     map[string]float64
	}{
		{"accuracy", glue("sst2"), logits, labels, map[string]float64{"accuracy": 5. / 8}},
		{"f1", glue("mrpc"), logits, labels, map[string]float64{"accuracy": 5. / 8, "f1": 6. / 9, "combined_score": (5./8 + 6./9) / 2}},
		// (3·2 − 2·1) / √(5·4·4·3)
		{"matthews", glue("cola"), logits, labels, map[string]float64{"matthews_correlation": 4 / math.Sqrt(240)}},
		// scikit-learn 1.2.1: matthews_corrcoef([0,1,2,2,1,0,2], [0,2,2,2,1,0,0])
		{"matthews of three", three, oneHot([]int{0, 2, 2, 2, 1, 0, 0}, 3), labelled(0, 1, 2, 2, 1, 0, 2), map[string]float64{"matthews_correlation": 0.5809475019311126}},
		{"matthews of one side", glue("cola"), oneHot([]int{1, 1, 1}, 2), labelled(0, 1, 1), map[string]float64{"matthews_correlation": 0}},
		{"f1 without positives", glue("qqp"), oneHot([]int{0, 0}, 2), labelled(0, 0), map[string]float64{"accuracy": 1, "f1": 0, "combined_score": 0.5}},
		// scipy 1.10.1: pearsonr and spearmanr; the ranks of scores are 2 3.5 3.5 6 1 5, of gold 1.5 3.5 5 6 1.5 3.5
		{"correlations", glue("stsb"), scores, gold, map[string]float64{"pearson": 0.902749044862891, "spearmanr": 0.8508410434878082, "combined_score": (0.902749044862891 + 0.8508410434878082) / 2}},
		{"correlations, constant", glue("stsb"), []float32{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, gold, map[string]float64{"pearson": 0, "spearmanr": 0, "combined_score": 0}},
		{"correlations, NaN", glue("stsb"), []float32{0, 2.5, 3, 5, nan, 2.5}, gold, map[string]float64{"pearson": 0, "spearmanr": 0, "combined_score": 0}},
		{"mse", mse, []float32{1, 2, 4}, targets(1, 4, 1), map[string]float64{"mse": 13. / 3}},
		{"mse, NaN", mse, []float32{1, nan}, targets(1, 2), map[string]float64{"mse": math.NaN()}},
		{"ties go to the first", glue("sst2"), []float32{2, 2, -1, -1}, labelled(0, 1), map[string]float64{"accuracy": 0.5}},
		{"NaN is wrong", glue("sst2"), []float32{nan, 2, 3, nan, nan, nan}, labelled(1, 0, 0), map[string]float64{"accuracy": 0}},
		{"NaN is wrong, f1", glue("mrpc"), []float32{nan, nan, 0, 1}, labelled(1, 1), map[string]float64{"accuracy": 0.5, "f1": 2. / 3, "combined_score": (0.5 + 2./3) / 2}},
		{"NaN is wrong, matthews", glue("cola"), []float32{nan, nan, nan, 0}, labelled(0, 1), map[string]float64{"matthews_correlation": 0}},
		{"unknown labels are wrong", glue("sst2"), []float32{nan, nan, 1, 0}, labelled(-1, -1), map[string]float64{"accuracy": 0}},
		{"no examples", glue("mrpc"), nil, nil, map[string]float64{"accuracy": 0, "f1": 0, "combined_score": 0}},
		{"no examples, correlations", glue("stsb"), nil, nil, map[string]float64{"pearson": 0, "spearmanr": 0, "combined_score": 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.task.Metrics(tt.logits, tt.task.NumLabels(), tt.examples)
			if len(got) != len(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for k, want := range tt.want {
				if v := got[k]; math.Abs(v-want) > 1e-12 || math.IsNaN(v) != math.IsNaN(want) {
					t.Errorf("%s is %v, want %v", k, v, want)
				}
			}
		})
	}
}

func TestMetricsMisuse(t *testing.T) {
	sst2, _ := LookupGLUE("sst2")
	for _, f := range []func(){
		func() { sst2.Metrics(make([]float32, 3), 2, labelled(0, 1)) },
		func() { sst2.Metrics(make([]float32, 3), 3, labelled(0)) },
		func() { (GLUETask{}).Metrics(nil, 0, nil) },
	} {
		func() {
			defer func() {
				if r := recover(); r != errLogits && r != errNumLabels {
					t.Errorf("panic %v", r)
				}
			}()
			f()
		}()
	}
}

// TestSpearmanWithoutTies compares with the formula 1 − 6·Σd² / (n·(n²−1)),
// which holds where no two values are equal.
func TestSpearmanWithoutTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "n")
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		places := rapid.Permutation(order).Draw(t, "places")
		x, y := make([]float64, n), make([]float64, n)
		var d2 float64
		for i, p := range places {
			x[i], y[i] = math.Exp(float64(i)/4), math.Cbrt(float64(p))
			d2 += float64((i - p) * (i - p))
		}
		want := 1 - 6*d2/float64(n*(n*n-1))
		if got := spearman(x, y); math.Abs(got-want) > 1e-9 {
			t.Fatalf("spearman is %v, want %v", got, want)
		}
	})
}

// TestMatthewsIsPearson holds for two classes: Matthews' coefficient is the
// linear correlation of the 0/1 values, and F1 is the harmonic mean of
// precision and recall.
func TestMatthewsIsPearson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 60).Draw(t, "bits")
		p, l := make([]int, len(bits)), make([]int, len(bits))
		x, y := make([]float64, len(bits)), make([]float64, len(bits))
		var both, predicted, actual float64
		for i, b := range bits {
			p[i], l[i] = b&1, b>>1
			x[i], y[i] = float64(p[i]), float64(l[i])
			both, predicted, actual = both+x[i]*y[i], predicted+x[i], actual+y[i]
		}
		if got, want := matthews(p, l), pearson(x, y); math.Abs(got-want) > 1e-9 {
			t.Fatalf("matthews is %v, want %v", got, want)
		}
		want := 0.0
		if both > 0 {
			precision, recall := both/predicted, both/actual
			want = 2 * precision * recall / (precision + recall)
		}
		if got := f1(p, l); math.Abs(got-want) > 1e-9 {
			t.Fatalf("f1 is %v, want %v", got, want)
		}
	})
}
