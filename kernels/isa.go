package kernels

import (
	"fmt"
	"os"
	"strings"
)

// ISA is a level of the instruction-set ladder. A kernel of a level runs where
// [Level] is at least that and the machine has it: many CPUs with AVX-512 lack
// AVXVNNI, a level below (see [Missing]).
type ISA uint8

// The ladder, lowest first.
const (
	Generic ISA = iota // pure Go
	AVX2               // AVX2 and FMA
	AVXVNNI            // AVX2 with VEX-encoded VPDPBUSD
	AVX512             // AVX-512 F, BW, DQ and VL
	VNNI               // AVX-512 with VPDPBUSD
	AMX                // AMX-TILE and AMX-INT8
	numISA
)

var isaNames = [numISA]string{"generic", "avx2", "avxvnni", "avx512", "vnni", "amx"}

// String returns the word by which JPQD_ISA names the level.
func (i ISA) String() string {
	if i < numISA {
		return isaNames[i]
	}
	return fmt.Sprintf("ISA(%d)", uint8(i))
}

// ParseISA returns the level that the word names; the error lists the words.
func ParseISA(word string) (ISA, error) {
	for i, name := range isaNames {
		if word == name {
			return ISA(i), nil
		}
	}
	return Generic, fmt.Errorf("kernels: JPQD_ISA=%q: want one of %s", word, strings.Join(isaNames[:], ", "))
}

// missing[i] says why level i cannot run here; "" where it can.
var missing = detect()

// level is the highest level in use: what the CPU offers, capped by the
// environment variable JPQD_ISA. Tests lower it with setLevel.
var level = mustStart(os.Getenv("JPQD_ISA"))

// mustStart ends the program on an unknown word, as Go's runtime does where
// GOAMD64 asks for what the CPU lacks: a cap that is misspelt must not silently
// run, or measure, something else.
func mustStart(word string) ISA {
	l, err := startLevel(word)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return l
}

// startLevel is the highest level the machine has that is not above the one
// that the word names; "" names none.
func startLevel(word string) (ISA, error) {
	best := Generic
	for i := range numISA {
		if missing[i] == "" {
			best = i
		}
	}
	if word == "" {
		return best, nil
	}
	limit, err := ParseISA(word)
	if err != nil {
		return Generic, err
	}
	for limit > best || missing[limit] != "" {
		limit--
	}
	return limit, nil
}

// Level is the level in use: the highest one this CPU has, unless the
// environment variable JPQD_ISA caps it.
func Level() ISA { return level }

// Missing says why level i cannot run on this machine, or "" where it can.
func Missing(i ISA) string { return missing[i] }
