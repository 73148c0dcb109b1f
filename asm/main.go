// Command asm turns the sources in this folder into kernels/*_amd64.s: Go
// assembly with lines of Intel syntax, behind a bar, for what Go's assembler
// cannot spell:
//
//	MOVLQSX (DX), AX
//	| TILELOADD tmm4, [rax+r8*1]
//
// GNU as assembles those lines, driven by asm2plan9s. That tool finds its lines
// by the column of a comment, takes ordinary lines with a comment there for its
// own and leaves lines it does not recognise as they are; so it is given a file
// of nothing but instructions, and each line that comes back is checked.
//
//	go generate ./asm
package main

//go:generate go run . ../kernels

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("asm: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: asm DIR, the folder to write to")
	}
	sources, err := filepath.Glob("*" + sourceSuffix)
	if err != nil {
		log.Fatal(err)
	}
	if len(sources) == 0 {
		log.Fatal("no *" + sourceSuffix + " here")
	}
	for _, name := range sources {
		text, err := generate(name)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(target(os.Args[1], name), text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// sourceSuffix is what a source's name has beyond that of the file made of it.
const sourceSuffix = ".in"

// target is the file in dir that the source is made into.
func target(dir, source string) string {
	return filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), sourceSuffix))
}

// generate is the Go assembly that the named source stands for.
func generate(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	if err := assemble(lines); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "// Code generated from asm/%s by go generate ./asm; DO NOT EDIT.\n\n", filepath.Base(name))
	for _, l := range lines {
		out.WriteString(l.out)
		out.WriteByte('\n')
	}
	return []byte(out.String()), nil
}
