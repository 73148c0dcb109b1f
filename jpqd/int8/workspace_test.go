package int8

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// Chunks for threads: as many as threads, or a multiple, of nearly equal rows;
// few tokens stay together.
func TestSplit(t *testing.T) {
	repeat := func(n, length int) []int {
		all := make([]int, n)
		for i := range all {
			all[i] = length
		}
		return all
	}
	for _, c := range []struct {
		name    string
		lengths []int
		threads int
		starts  []int
		apart   bool
	}{
		{"nothing", nil, 2, []int{0}, false},
		{"one sequence", []int{128}, 2, []int{0, 1}, false},
		{"short sequences", repeat(4, 20), 2, []int{0, 4}, false},                     // 80 rows, 40 a thread
		{"two threads", repeat(4, 64), 2, []int{0, 2, 4}, true},                       // 128 rows each
		{"four chunks of two threads", repeat(8, 128), 2, []int{0, 2, 4, 6, 8}, true}, // 1024 rows, 256 each
		{"one thread", repeat(4, 128), 1, []int{0, 4}, false},
		{"one thread, more", repeat(8, 128), 1, []int{0, 4, 8}, false},
		{"unequal lengths", []int{10, 100, 10, 70, 10}, 2, []int{0, 1, 5}, true}, // 100 and 100 rows
		{"an exchange", []int{60, 60, 40, 40, 40}, 2, []int{0, 3, 5}, true},      // 120 and 120 rows
		{"more chunks than sequences", []int{512, 512, 512}, 2, []int{0, 1, 2, 3}, true},
		{"fewer sequences than threads", repeat(3, 256), 4, []int{0, 3}, false},
	} {
		b := &bert.Batch{Offsets: []int{0}}
		for _, l := range c.lengths {
			b.Append(make([]int32, l), nil)
		}
		var w Workspace
		w.split(b, c.threads)
		if diff := cmp.Diff(c.starts, w.starts); diff != "" || w.apart != c.apart {
			t.Errorf("%s: side by side %v, want %v; chunks (want −, found +):\n%s", c.name, w.apart, c.apart, diff)
		}
		all := slices.Clone(w.order)
		for i, from := range w.starts[:len(w.starts)-1] {
			if !slices.IsSorted(w.order[from:w.starts[i+1]]) {
				t.Errorf("%s: chunk %d is not in the batch's order: %v", c.name, i, w.order)
			}
		}
		slices.Sort(all)
		for s, found := range all {
			if s != found || len(all) != len(c.lengths) {
				t.Fatalf("%s: not every sequence once: %v", c.name, w.order)
			}
		}
	}
}

// Twelve rows one below the other begin in twelve sets of a cache of 64 sets.
func TestApart(t *testing.T) {
	for _, size := range []int{1, 4} {
		for n := 1; n <= 5000; n++ {
			d := apart(n, size)
			if d < n || d > n+128/size {
				t.Fatalf("%d elements of %d bytes lie %d apart", n, size, d)
			}
			sets := map[int]bool{}
			for r := range 12 {
				sets[r*d*size/64%64] = true
			}
			if len(sets) != 12 {
				t.Fatalf("%d elements of %d bytes: 12 rows begin in %d sets", n, size, len(sets))
			}
		}
	}
}
