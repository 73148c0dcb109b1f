package main

import (
	"fmt"
	"regexp"
	"strings"
)

// line is a line of a source.
type line struct {
	number      int
	instruction string // in Intel syntax; "" where the line is Go's
	inMacro     bool   // the line ends in a backslash
	out         string // the line of the generated file
}

var (
	barred = regexp.MustCompile(`^\s*\|\s*(.*?)(\s*\\)?$`)

	// Registers, numbers and addresses made of them. asm2plan9s assembles each
	// instruction for itself: a jump or a symbol would become a zero offset.
	// The index of an address is always written: without one, TILELOADD and
	// TILESTORED have a stride of zero.
	spelling = regexp.MustCompile(`^(\{vex\} )?([A-Z][A-Z0-9]*)( ` + operand + `(, ` + operand + `)*)?$`)
)

const operand = `([a-z]+[0-9]*|[0-9]+|(zmmword ptr )?\[[a-z]+[0-9]*(\+[a-z]+[0-9]*\*[1248])?(\+[0-9]+)?\])`

// parse tells a source's instructions from its Go lines.
func parse(text string) ([]*line, error) {
	var lines []*line
	for i, s := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		l := &line{number: i + 1, out: s}
		lines = append(lines, l)
		m := barred.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		l.instruction, l.inMacro = m[1], m[2] != ""
		if err := check(l.instruction); err != nil {
			return nil, fmt.Errorf("%d: %w", l.number, err)
		}
	}
	return lines, nil
}

// check says what stands in an instruction that must not.
func check(instruction string) error {
	m := spelling.FindStringSubmatch(instruction)
	switch {
	case m == nil:
		return fmt.Errorf("%q: want MNEMONIC operand, operand, with registers, numbers or [base+index*scale+displacement] as operands", instruction)
	case strings.HasPrefix(m[2], "J") || m[2] == "CALL" || strings.HasPrefix(m[2], "LOOP"):
		return fmt.Errorf("%q: a jump has no target here; write it in Go's assembly", instruction)
	case (m[2] == "TILELOADD" || m[2] == "TILESTORED") && !strings.Contains(instruction, "*"):
		return fmt.Errorf("%q: without an index the rows' distance is 0", instruction)
	}
	return nil
}
