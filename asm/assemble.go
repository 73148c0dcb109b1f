package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// commentColumn is where asm2plan9s looks for its instructions.
const commentColumn = 65

// assemble gives every instruction among the lines its bytes.
func assemble(lines []*line) error {
	var instructions []*line
	for _, l := range lines {
		if l.instruction != "" {
			instructions = append(instructions, l)
		}
	}
	if len(instructions) == 0 {
		return errors.New("1: no instruction behind a bar")
	}
	out, err := asm2plan9s(instructions)
	if err != nil {
		return blame(instructions, err)
	}
	if len(out) != len(instructions) {
		return fmt.Errorf("1: %d instructions became %d lines", len(instructions), len(out))
	}
	for i, l := range instructions {
		m := assembled.FindStringSubmatch(out[i])
		if m == nil || m[3] != l.instruction || (m[2] != "") != l.inMacro {
			return fmt.Errorf("%d: %q was not assembled but became %q", l.number, l.instruction, out[i])
		}
		l.out = "\t" + strings.TrimLeft(out[i], " ")
	}
	return nil
}

// assembled is a line with bytes, perhaps a backslash, and its instruction.
var assembled = regexp.MustCompile(`^\s+((?:(?:QUAD|LONG|WORD|BYTE) \$0x[0-9a-f]+(?:; )?)+)\s+(\\ )?// (.*)$`)

// blame names the first of the instructions that does not assemble by itself;
// the error of all together does not.
func blame(instructions []*line, err error) error {
	for _, l := range instructions {
		if _, err := asm2plan9s([]*line{l}); err != nil {
			return fmt.Errorf("%d: %s: %w", l.number, l.instruction, err)
		}
	}
	return fmt.Errorf("1: %w", err)
}

// asm2plan9s runs the tool on a file of these instructions, one a line, and
// returns the lines it makes of them.
func asm2plan9s(instructions []*line) ([]string, error) {
	tool, err := toolPath()
	if err != nil {
		return nil, err
	}
	as, err := gnu("as")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "asm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// The tool prefers yasm to as; so it sees as alone.
	if err := os.Symlink(as, filepath.Join(dir, "as")); err != nil {
		return nil, err
	}
	var in strings.Builder
	for _, l := range instructions {
		end := ""
		if l.inMacro {
			end = `\ `
		}
		fmt.Fprintf(&in, "%*s// %s\n", commentColumn, end, l.instruction)
	}
	file := filepath.Join(dir, "instructions.s")
	if err := os.WriteFile(file, []byte(in.String()), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(tool, file)
	cmd.Env = []string{"PATH=" + dir, "TMPDIR=" + dir, "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("asm2plan9s: %w: %s", err, strings.TrimSpace(string(out)))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// toolPath is the executable of asm2plan9s in the version that go.mod pins.
var toolPath = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "asm2plan9s").Output()
	if err != nil {
		return "", fmt.Errorf("go tool -n asm2plan9s: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
})

// gnu is the path of a program of GNU binutils.
func gnu(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s of GNU binutils: %w", name, err)
	}
	if out, err := exec.Command(path, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "GNU ") {
		return "", fmt.Errorf("%s is not that of GNU binutils", path)
	}
	return path, nil
}
