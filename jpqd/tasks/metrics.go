package tasks

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/go-jpqd/jpqd/jpqd"
)

const (
	errLogits    = "tasks: logits are not one row of numLabels per example"
	errNumLabels = "tasks: number of labels is not that of the task"
)

// Metrics scores logits, row by row numLabels = [GLUETask.NumLabels] per
// example, as HF's "glue" metric and run_glue.py do. The class predicted is
// that of the greatest logit, the first of equals. Tasks with two metrics have
// their mean as "combined_score" too. Keys are in the comments of [Metric].
//
// A model that computes NaN must not look good: a row with a NaN predicts no
// class and so counts as wrong, and "mse" is NaN. A correlation that is
// undefined, since one side is constant or not finite, is 0, where HF gives
// NaN; and so is every metric but "mse" of no examples.
func (t GLUETask) Metrics(logits []float32, numLabels int, examples []jpqd.Example) map[string]float64 {
	if numLabels != t.NumLabels() || numLabels < 1 {
		panic(errNumLabels)
	}
	if len(logits) != numLabels*len(examples) {
		panic(errLogits)
	}
	if t.Regression {
		return t.regressionMetrics(logits, examples)
	}
	predicted, labels := make([]int, len(examples)), make([]int, len(examples))
	for i, e := range examples {
		predicted[i], labels[i] = argmax(logits[i*numLabels:][:numLabels]), int(e.Label)
	}
	switch t.Metric {
	case Matthews:
		return map[string]float64{"matthews_correlation": matthews(predicted, labels)}
	case AccuracyF1:
		return combined(map[string]float64{"accuracy": accuracy(predicted, labels), "f1": f1(predicted, labels)})
	default:
		return map[string]float64{"accuracy": accuracy(predicted, labels)}
	}
}

func (t GLUETask) regressionMetrics(logits []float32, examples []jpqd.Example) map[string]float64 {
	predicted, targets := make([]float64, len(examples)), make([]float64, len(examples))
	for i, e := range examples {
		predicted[i], targets[i] = float64(logits[i]), float64(e.Target)
	}
	if t.Metric == PearsonSpearman {
		return combined(map[string]float64{"pearson": pearson(predicted, targets), "spearmanr": spearman(predicted, targets)})
	}
	var sum float64
	for i, p := range predicted {
		sum += (p - targets[i]) * (p - targets[i])
	}
	return map[string]float64{"mse": sum / float64(len(examples))}
}

// combined adds the mean of the metrics.
func combined(m map[string]float64) map[string]float64 {
	m["combined_score"] = stat.Mean(slices.Sorted(maps.Values(m)), nil)
	return m
}

// argmax is the index of the greatest logit, or −1 if any is NaN.
func argmax(logits []float32) int {
	best := 0
	for i, v := range logits {
		if v != v {
			return -1
		}
		if v > logits[best] {
			best = i
		}
	}
	return best
}

// accuracy is the share of the predictions that are right.
func accuracy(predicted, labels []int) float64 {
	right := 0
	for i, p := range predicted {
		if p >= 0 && p == labels[i] {
			right++
		}
	}
	return ratio(float64(right), float64(len(labels)))
}

// f1 is the F1 score of class 1: 2·TP / (2·TP + FP + FN).
func f1(predicted, labels []int) float64 {
	both, either := 0, 0 // TP; 2·TP + FP + FN
	for i, p := range predicted {
		if p == 1 {
			either++
		}
		if labels[i] == 1 {
			either++
			if p == 1 {
				both++
			}
		}
	}
	return ratio(2*float64(both), float64(either))
}

// matthews is the correlation coefficient of Matthews for any number of
// classes (Gorodkin 2004), as scikit-learn computes it: with n samples, c of
// them right, p_k predicted as class k and t_k in class k,
//
//	(c·n − Σ p_k·t_k) / √((n² − Σ p_k²)·(n² − Σ t_k²))
func matthews(predicted, labels []int) float64 {
	pCount, tCount := make(map[int]float64), make(map[int]float64)
	var right float64
	for i, p := range predicted {
		pCount[p]++
		tCount[labels[i]]++
		if p >= 0 && p == labels[i] {
			right++
		}
	}
	n := float64(len(labels))
	pt, pp, tt := 0.0, n*n, n*n
	for k, p := range pCount {
		if k >= 0 {
			pt += p * tCount[k]
		}
		pp -= p * p
	}
	for _, t := range tCount {
		tt -= t * t
	}
	return ratio(right*n-pt, math.Sqrt(pp*tt))
}

// pearson is the linear correlation, 0 where it is undefined.
func pearson(x, y []float64) float64 {
	if constant(x) || constant(y) {
		return 0
	}
	r := stat.Correlation(x, y, nil)
	if math.IsNaN(r) {
		return 0
	}
	return max(-1, min(1, r))
}

// spearman is the linear correlation of the ranks, 0 where it is undefined.
func spearman(x, y []float64) float64 {
	if slices.ContainsFunc(x, math.IsNaN) || slices.ContainsFunc(y, math.IsNaN) {
		return 0
	}
	return pearson(ranks(x), ranks(y))
}

// ranks are the places of the values in ascending order, from 1; equal values
// share the mean of their places.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	ranks := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+1+j) / 2 // the mean of places i+1 to j
		}
		i = j
	}
	return ranks
}

// constant reports whether all values are the same. Rounding would give such
// values a variance above 0 and thus a correlation.
func constant(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return v != x[0] })
}

// ratio is a/b, or 0 where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
