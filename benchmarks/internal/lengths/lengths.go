// Package lengths reads files of the lengths of sequences.
package lengths

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Read returns the numbers of a file, in tokens.
func Read(path string) ([]int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lengths []int
	for word := range strings.FieldsSeq(string(text)) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 128 {
			return nil, fmt.Errorf("%s: found %q, want lengths from 1 to 128", path, word)
		}
		lengths = append(lengths, n)
	}
	return lengths, nil
}
