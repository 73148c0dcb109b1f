package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// translateArgs turns a command line as Hugging Face's parser reads it into
// one that pflag reads the same way:
//
//   - a single argument that ends in .json is a file of flags;
//   - a boolean may be followed by its value: --do_train False, --do_train=no;
//   - --no_x is --x=false for booleans that are true by default;
//   - --report_to may be followed by several words.
func translateArgs(flags *pflag.FlagSet, args []string) ([]string, error) {
	if len(args) == 1 && strings.HasSuffix(args[0], ".json") && !strings.HasPrefix(args[0], "-") {
		return argsFromJSON(flags, args[0])
	}
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, hasValue := flagName(arg)
		f := flags.Lookup(name)
		if f == nil {
			out = append(out, negated(flags, arg))
			continue
		}
		if hasValue {
			before, word, _ := strings.Cut(arg, "=")
			out = append(out, before+"="+boolean(f, word))
			continue
		}
		if name == "report_to" {
			words := i + 1
			for words < len(args) && !strings.HasPrefix(args[words], "-") {
				words++
			}
			if words > i+1 {
				out = append(out, arg+"="+strings.Join(args[i+1:words], ","))
				i = words - 1
				continue
			}
		}
		if f.NoOptDefVal == "" { // the flag takes the next argument, whatever it looks like
			out = append(out, arg)
			if i+1 < len(args) {
				i++
				out = append(out, args[i])
			}
			continue
		}
		if i+1 < len(args) {
			if value, ok := parseWord(args[i+1]); ok {
				arg += "=" + strconv.FormatBool(value)
				i++
			}
		}
		out = append(out, arg)
	}
	return out, nil
}

// flagName is the name of a --flag or --flag=value, "" for anything else.
func flagName(arg string) (name string, hasValue bool) {
	name, found := strings.CutPrefix(arg, "--")
	if !found {
		return "", false
	}
	name, _, hasValue = strings.Cut(name, "=")
	return name, hasValue
}

// negated turns --no_x into --x=false where x is a boolean that is true by default.
func negated(flags *pflag.FlagSet, arg string) string {
	name, _ := strings.CutPrefix(strings.ReplaceAll(arg, "-", "_"), "__no_")
	if f := flags.Lookup(name); f != nil && f.Value.Type() == "bool" && f.DefValue == "true" {
		return "--" + f.Name + "=false"
	}
	return arg
}

// boolean is a truth value as pflag reads it, where the flag is a boolean and
// the word is one that Hugging Face's parser knows; else the word itself.
func boolean(f *pflag.Flag, word string) string {
	if value, ok := parseWord(word); ok && f.Value.Type() == "bool" {
		return strconv.FormatBool(value)
	}
	return word
}

// parseWord reads the words for a truth value that Hugging Face's parser knows.
func parseWord(word string) (value, ok bool) {
	switch strings.ToLower(word) {
	case "yes", "true", "t", "y", "1":
		return true, true
	case "no", "false", "f", "n", "0":
		return false, true
	default:
		return false, false
	}
}

// argsFromJSON reads a JSON object of flags. A null leaves the default; a list
// gives its words separated by commas.
func argsFromJSON(flags *pflag.FlagSet, path string) ([]string, error) {
	var object map[string]any
	if err := checkpoint.ReadJSON(path, &object); err != nil {
		return nil, err
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		f := flags.Lookup(name)
		if f == nil {
			return nil, usageErrorf("%s: unknown key %q%s", path, name, didYouMean(name, flagNames(flags), ", did you mean %q?"))
		}
		if object[name] == nil {
			continue
		}
		value, err := wordOf(object[name])
		if err != nil {
			return nil, usageErrorf("%s: %s: %w", path, name, err)
		}
		args = append(args, "--"+f.Name+"="+boolean(f, value))
	}
	return args, nil
}

// wordOf writes a JSON value as a flag's value.
func wordOf(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case []any:
		words := make([]string, len(x))
		for i := range x {
			word, err := wordOf(x[i])
			if err != nil {
				return "", err
			}
			words[i] = word
		}
		return strings.Join(words, ","), nil
	default:
		return "", fmt.Errorf("found %v, want a string, a number or a boolean", v)
	}
}
