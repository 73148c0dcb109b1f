package int8

import (
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
		{"one thread", repeat(8, 128), 1, []int{0, 8}, false},
		{"one thread, more", repeat(16, 128), 1, []int{0, 8, 16}, false},
		{"unequal lengths", []int{100, 10, 10, 10, 70}, 2, []int{0, 1, 5}, true}, // 100 and 100 rows
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
	}
}
