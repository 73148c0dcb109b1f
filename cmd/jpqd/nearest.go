package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError makes an error of pflag a usage error, and names the nearest flag
// of the command where the one given does not exist.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return &usageError{err}
	}
	name := unknown.GetSpecifiedName()
	return usageErrorf("unknown flag --%s, did you mean --%s?", name, nearestFlag(cmd.Flags(), name))
}

// nearestFlag is the name of the flag that is spelt most like name.
func nearestFlag(flags *pflag.FlagSet, name string) string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return nearest(name, names)
}

// nearest is the name with the least edit distance to word, the first of equals.
func nearest(word string, names []string) string {
	best, bestDistance := "", 0
	for _, name := range names {
		if d := editDistance(word, name); best == "" || d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance is Levenshtein's: the least number of bytes to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a[:i] to every b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0] // distance of a[:i] to b[:j]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
