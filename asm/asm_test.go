package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const generated = "../kernels"

func sources(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*" + sourceSuffix)
	if err != nil || len(names) == 0 {
		t.Fatalf("sources: %v, %v", names, err)
	}
	return names
}

// The files in kernels are what their sources make today.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	if _, err := gnu("as"); err != nil {
		t.Skip("the sources were not assembled again: ", err)
	}
	for _, name := range sources(t) {
		want, err := generate(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(target(generated, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what asm/%s makes: run go generate ./asm", target(generated, name), name)
		}
	}
}

// No generated file has lost its source.
func TestGeneratedFilesHaveSources(t *testing.T) {
	files, err := filepath.Glob(generated + "/*.s")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		byteLines := regexp.MustCompile(`(?m)^\s*(QUAD|LONG|WORD|BYTE)\b`).Match(text)
		mark := bytes.HasPrefix(text, []byte("// Code generated from asm/"))
		source := slices.Contains(sources(t), filepath.Base(file)+sourceSuffix)
		if byteLines != mark || mark != source {
			t.Errorf("%s: has bytes %v, is marked as generated %v, has a source %v", file, byteLines, mark, source)
		}
	}
}

// The bytes of each line, disassembled, are the instruction that stands beside
// them, operands included.
func TestBytesAreTheInstructions(t *testing.T) {
	objdump, err := gnu("objdump")
	if err != nil {
		t.Skip("the bytes were not disassembled: ", err)
	}
	for _, name := range sources(t) {
		instructions, code := byteLines(t, target(generated, name))
		file := filepath.Join(t.TempDir(), "code")
		if err := os.WriteFile(file, slices.Concat(code...), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "-w", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := disassembled.FindAllStringSubmatch(string(out), -1)
		if len(lines) != len(instructions) {
			t.Fatalf("%s: %d instructions are %d in the disassembly", name, len(instructions), len(lines))
		}
		for i, l := range lines {
			raw, err := hex.DecodeString(strings.ReplaceAll(l[1], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := canonical(l[2]), canonical(instructions[i]); got != want || !bytes.Equal(raw, code[i]) {
				t.Errorf("%s: %q has the bytes %x of %q", name, want, code[i], got)
			}
		}
	}
}

// byteLines are the instructions in the comments of a file and the bytes beside
// them.
func byteLines(t *testing.T, file string) (instructions []string, code [][]byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strings.Split(string(text), "\n") {
		m := assembled.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		var b []byte
		for _, number := range hexNumber.FindAllStringSubmatch(m[1], -1) {
			word, err := hex.DecodeString(number[1])
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(word)
			b = append(b, word...)
		}
		instructions, code = append(instructions, m[3]), append(code, b)
	}
	return instructions, code
}

var (
	hexNumber    = regexp.MustCompile(`0x([0-9a-f]+)`)
	disassembled = regexp.MustCompile(`(?m)^\s*[0-9a-f]+:\t((?:[0-9a-f]{2} )+)\s*\t(.*)$`)
)

// canonical is the spelling that GNU's disassembly and the sources share: small
// letters, no spaces but one after the mnemonic, decimal displacements.
func canonical(instruction string) string {
	s := strings.ToLower(strings.TrimSpace(instruction))
	prefix := ""
	if strings.HasPrefix(s, "{vex} ") {
		prefix, s = "{vex} ", s[len("{vex} "):]
	}
	mnemonic, operands, _ := strings.Cut(s, " ")
	operands = strings.NewReplacer(" ", "", "zmmwordptr", "").Replace(operands)
	operands = displacement.ReplaceAllStringFunc(operands, func(d string) string {
		if n := decimal(d[1 : len(d)-1]); n != "0" {
			return "+" + n + "]"
		}
		return "]"
	})
	return strings.TrimSpace(prefix + mnemonic + " " + operands)
}

var displacement = regexp.MustCompile(`\+(0x[0-9a-f]+|[0-9]+)\]`)

func decimal(number string) string {
	n, err := strconv.ParseUint(number, 0, 32)
	if err != nil {
		return number
	}
	return strconv.FormatUint(n, 10)
}

// What cannot be assembled line by line, or has another meaning than it seems
// to have, is refused with the number of its line.
func TestRefusals(t *testing.T) {
	for instruction, want := range map[string]string{
		"JNZ rax":                          "jump",
		"CALL rax":                         "jump",
		"MOV rax, symbol+8":                "want MNEMONIC",
		"TDPBUSD tmm0, tmm4, tmm6 // more": "want MNEMONIC",
		"TDPBUSD tmm0, tmm4, tmm6; RET":    "want MNEMONIC",
		"TILELOADD tmm0, [rax]":            "distance is 0",
		"TILESTORED [rax+64], tmm0":        "distance is 0",
	} {
		_, err := parse("TEXT ·f(SB), 4, $0\n\t| " + instruction + "\n")
		if err == nil || !strings.HasPrefix(err.Error(), "2: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want line 2 and %q", instruction, err, want)
		}
	}
}

// An instruction that the assembler does not know is named with its line.
func TestUnknownInstruction(t *testing.T) {
	if _, err := gnu("as"); err != nil {
		t.Skip("nothing was assembled: ", err)
	}
	lines, err := parse("\t| TILERELEASE\n\t| TILEUNKNOWN tmm0\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := assemble(lines); err == nil || !strings.HasPrefix(err.Error(), "2: TILEUNKNOWN tmm0: ") {
		t.Errorf("%v, want line 2 and its instruction", err)
	}
}
