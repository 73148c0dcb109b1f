package markdown

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	Table(&b, [][]string{{"what", "µs"}, {"1×16", "2.5"}})
	const want = "| what |  µs |\n|------|----:|\n| 1×16 | 2.5 |\n\n"
	if b.String() != want {
		t.Errorf("found\n%swant\n%s", b.String(), want)
	}
}
