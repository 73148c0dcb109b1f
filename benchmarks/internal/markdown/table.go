// Package markdown writes the tables of the benchmarks.
package markdown

import (
	"fmt"
	"io"
	"strings"
)

// Table writes rows, the first of which is the head, and an empty line. Columns
// are padded so that the text reads well as it is; all but the first are
// aligned on the right.
func Table(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, f := range r {
			width[i] = max(width[i], len([]rune(f)))
		}
	}
	for n, r := range rows {
		for i, f := range r {
			pad := strings.Repeat(" ", width[i]-len([]rune(f)))
			if i == 0 {
				fmt.Fprint(w, "| ", f, pad)
			} else {
				fmt.Fprint(w, " | ", pad, f)
			}
		}
		fmt.Fprintln(w, " |")
		if n == 0 {
			fmt.Fprint(w, "|")
			for i := range r {
				colon := ":"
				if i == 0 {
					colon = "-"
				}
				fmt.Fprint(w, strings.Repeat("-", width[i]+1), colon, "|")
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
}
