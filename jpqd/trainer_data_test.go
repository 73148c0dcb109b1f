package jpqd

import (
	"context"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// transformers sorts stretches of as many batches as fit four times, 50 at most.
func TestGroupByLength(t *testing.T) {
	examples := make([]Example, 17)
	order := make([]int, 17)
	for i := range examples {
		examples[i].IDs, order[i] = make([]int32, i*7%17), (i*5)%17
	}
	groupByLength(order, examples, 2) // stretches of 2 batches of 2
	lengths := make([]int, 17)
	for i, j := range order {
		lengths[i] = len(examples[j].IDs)
	}
	// Lengths in the order before: 0 1 2 3 | 4 5 6 7 | 8 9 10 11 | 12 13 14 15 | 16.
	want := []int{16, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3}
	if !slices.Equal(lengths, want) {
		t.Errorf("found lengths %v, want %v", lengths, want)
	}
	slices.Sort(order)
	if !slices.Equal(order, countTo(17)) {
		t.Errorf("found examples %v, want each once", order)
	}
	groupByLength(nil, nil, 4)
}

func countTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// The model is the same to the bit whether the teacher's logits are kept or not.
func TestCacheTeacherLogits(t *testing.T) {
	train := func(cache bool) (weights []float32) {
		tr := newTrainer(func(tr *Trainer) {
			tr.Args.SaveStrategy, tr.Args.CacheTeacherLogits, tr.Args.NumTrainEpochs = No, cache, 3
			tr.Args.DistillationWeight = 0.9
			tr.Teacher = bert.New(tr.Model.Config, 5)
		})
		if _, err := tr.Train(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		for _, p := range tr.Model.Parameters() {
			weights = append(weights, p.Data...)
		}
		return weights
	}
	if !slices.Equal(train(true), train(false)) {
		t.Error("found other parameters with cache_teacher_logits")
	}
}
