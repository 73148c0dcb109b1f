//go:build !noasm && !purego

package kernels

import (
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// goodAMX is a machine that may use AMX, as Linux on a Sapphire Rapids answers.
func goodAMX(asked *[]string) amxProbe {
	note := func(s string) { *asked = append(*asked, s) }
	return amxProbe{
		supports: func(f cpuid.FeatureID) bool { note(f.String()); return true },
		components: func(request uintptr) (uint64, syscall.Errno) {
			if request == archGetXcompSupp {
				note("SUPP")
			} else {
				note("PERM")
			}
			return 0x600e7, 0
		},
		permit: func(uintptr) syscall.Errno { note("REQ"); return 0 },
		leaf: func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
			note("CPUID")
			switch {
			case leaf == 0:
				return 0x20, 0, 0, 0
			case leaf == 0x1d && subleaf == 0:
				return 1, 0, 0, 0
			case leaf == 0x1d && subleaf == 1:
				return 1024<<16 | 8192, 8<<16 | 64, 16, 0
			}
			return 0, 0, 0, 0
		},
	}
}

func TestAMXGateOpens(t *testing.T) {
	var asked []string
	if why := amxRefusal(goodAMX(&asked)); why != "" {
		t.Errorf("refused: %s", why)
	}
	const want = "AMXTILE AMXINT8 AVX512F AVX512BW AVX512VL AVX512VNNI SUPP REQ PERM CPUID CPUID CPUID"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// Each refusal names its reason, and nothing is asked after it.
func TestAMXGateRefusals(t *testing.T) {
	components := func(request uintptr, mask uint64, errno syscall.Errno) func(*amxProbe) {
		return func(p *amxProbe) {
			good := p.components
			p.components = func(r uintptr) (uint64, syscall.Errno) {
				m, e := good(r)
				if r == request {
					return mask, errno
				}
				return m, e
			}
		}
	}
	leaf := func(l, s, eax, ebx, ecx uint32) func(*amxProbe) {
		return func(p *amxProbe) {
			good := p.leaf
			p.leaf = func(leaf, subleaf uint32) (uint32, uint32, uint32, uint32) {
				a, b, c, d := good(leaf, subleaf)
				if leaf == l && subleaf == s {
					return eax, ebx, ecx, 0
				}
				return a, b, c, d
			}
		}
	}
	lacks := func(lacking cpuid.FeatureID) func(*amxProbe) {
		return func(p *amxProbe) {
			good := p.supports
			p.supports = func(f cpuid.FeatureID) bool { return good(f) && f != lacking }
		}
	}
	for _, c := range []struct {
		name     string
		spoil    func(*amxProbe)
		want     string
		lastAsks string
	}{
		{"no tiles", lacks(cpuid.AMXTILE), "the CPU lacks AMXTILE", "AMXTILE"},
		{"no int8", lacks(cpuid.AMXINT8), "the CPU lacks AMXINT8", "AMXINT8"},
		{"no VNNI", lacks(cpuid.AVX512VNNI), "the CPU lacks AVX512VNNI", "AVX512VNNI"},
		{"old Linux", components(archGetXcompSupp, 0, syscall.EINVAL), "ARCH_GET_XCOMP_SUPP: invalid argument", "SUPP"},
		{"not in XCR0", components(archGetXcompSupp, 0xe7, 0), "ARCH_GET_XCOMP_SUPP has 0xe7", "SUPP"},
		{"configuration alone", components(archGetXcompSupp, 0x200e7, 0), "ARCH_GET_XCOMP_SUPP has 0x200e7", "SUPP"},
		{"not permitted", func(p *amxProbe) {
			good := p.permit
			p.permit = func(c uintptr) syscall.Errno { good(c); return syscall.ENOSPC }
		}, "ARCH_REQ_XCOMP_PERM: no space left on device", "REQ"},
		{"permission unknown", components(archGetXcompPerm, 0, syscall.EINVAL), "ARCH_GET_XCOMP_PERM: invalid argument", "PERM"},
		{"permission without effect", components(archGetXcompPerm, 0x200e7, 0), "ARCH_GET_XCOMP_PERM has 0x200e7", "PERM"},
		{"no leaf 1DH", leaf(0, 0, 0x16, 0, 0), "CPUID ends at leaf 0x16", "CPUID"},
		{"no palette", leaf(0x1d, 0, 0, 0, 0), "CPUID leaf 0x1d is 0", "CPUID"},
		{"empty palette", leaf(0x1d, 1, 0, 0, 0), "tiles are 0 of 0 rows of 0 bytes", "CPUID"},
		{"other tiles", leaf(0x1d, 1, 2048<<16|16384, 8<<16|64, 32), "tiles are 8 of 32 rows of 64 bytes", "CPUID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			p := goodAMX(&asked)
			c.spoil(&p)
			if why := amxRefusal(p); !strings.Contains(why, c.want) {
				t.Errorf("reason %q, want %q", why, c.want)
			}
			if last := asked[len(asked)-1]; last != c.lastAsks {
				t.Errorf("the last question was for %s, want %s", last, c.lastAsks)
			}
		})
	}
}
