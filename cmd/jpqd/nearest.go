package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError makes an error of pflag a usage error. It names the nearest flag of
// the command where the one given does not exist, and what is wanted where a
// value is of the wrong type.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		dashes, name := "--", unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			dashes, name = "-", short // of a long name after one dash, all of it
			if before, _, found := strings.Cut(name, "="); found {
				name = before
			}
		}
		return usageErrorf("unknown flag %s%s%s", dashes, name, didYouMean(name, flagNames(cmd.Flags()), ", did you mean --%s?"))
	case errors.As(err, &invalid):
		if want, ok := flagTypes[invalid.GetFlag().Value.Type()]; ok {
			return usageErrorf("--%s: found %q, want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
		}
	}
	return &usageError{err}
}

// flagTypes says in words what a flag of a type takes.
var flagTypes = map[string]string{
	"bool": "true or false", "int": "a whole number", "uint": "a whole number that is not negative", "uint64": "a whole number that is not negative", "float64": "a number",
	"intSlice": "whole numbers with commas",
}

// flagNames are the names of all flags.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// didYouMean writes the name that is spelt most like word into format; nothing
// where so little of it is right that it would mislead.
func didYouMean(word string, names []string, format string) string {
	name := nearest(word, names)
	if 2*editDistance(word, name) > len(word) {
		return ""
	}
	return fmt.Sprintf(format, name)
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
