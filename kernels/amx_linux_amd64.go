//go:build !noasm && !purego

package kernels

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// Requests to arch_prctl, and the component of the processor's state that holds
// the tiles' data (the one before holds their configuration); from Linux's
// Documentation/arch/x86/xstate.rst.
const (
	archGetXcompSupp = 0x1021
	archGetXcompPerm = 0x1022
	archReqXcompPerm = 0x1023
	xfeatureTileCfg  = 17
	xfeatureTileData = 18
)

// amxProbe is what the gate asks of a machine.
type amxProbe struct {
	supports   func(cpuid.FeatureID) bool
	components func(request uintptr) (mask uint64, errno syscall.Errno) // arch_prctl's two questions
	permit     func(component uintptr) syscall.Errno                    // arch_prctl's request
	leaf       func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
}

// detectAMX says why AMX cannot be used here, or "" where it can. Then this
// process has the kernel's permission to use it.
func detectAMX() string {
	return amxRefusal(amxProbe{
		supports: func(f cpuid.FeatureID) bool { return cpuid.CPU.Supports(f) },
		components: func(request uintptr) (mask uint64, errno syscall.Errno) {
			_, _, errno = syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, request, uintptr(unsafe.Pointer(&mask)), 0)
			return mask, errno
		},
		permit: func(component uintptr) syscall.Errno {
			_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archReqXcompPerm, component, 0)
			return errno
		},
		leaf: cpuidLeaf,
	})
}

// amxRefusal goes through what AMX needs. CPUID's bits are only the beginning:
// Linux lets a process use tiles once it has asked for it, and there are virtual
// machines that have the bits and no tiles.
func amxRefusal(p amxProbe) string {
	for _, f := range []cpuid.FeatureID{cpuid.AMXTILE, cpuid.AMXINT8, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512VNNI} {
		if !p.supports(f) {
			return "the CPU lacks " + f.String()
		}
	}

	const both = 1<<xfeatureTileCfg | 1<<xfeatureTileData
	if mask, errno := p.components(archGetXcompSupp); errno != 0 {
		return fmt.Sprintf("Linux does not tell whether it supports AMX: ARCH_GET_XCOMP_SUPP: %v", errno)
	} else if mask&both != both {
		return fmt.Sprintf("Linux does not support AMX here: ARCH_GET_XCOMP_SUPP has %#x, want bits 17 and 18", mask)
	}
	if errno := p.permit(xfeatureTileData); errno != 0 {
		return fmt.Sprintf("Linux does not permit AMX: ARCH_REQ_XCOMP_PERM: %v", errno)
	}
	if mask, errno := p.components(archGetXcompPerm); errno != 0 {
		return fmt.Sprintf("Linux does not tell whether it permits AMX: ARCH_GET_XCOMP_PERM: %v", errno)
	} else if mask&(1<<xfeatureTileData) == 0 {
		return fmt.Sprintf("Linux does not permit AMX: ARCH_GET_XCOMP_PERM has %#x, want bit 18", mask)
	}

	const tileLeaf = 0x1d
	if last, _, _, _ := p.leaf(0, 0); last < tileLeaf {
		return fmt.Sprintf("the CPU has no palette of tiles: CPUID ends at leaf %#x", last)
	}
	if palettes, _, _, _ := p.leaf(tileLeaf, 0); palettes < 1 {
		return "the CPU has no palette of tiles: CPUID leaf 0x1d is 0"
	}
	eax, ebx, ecx, _ := p.leaf(tileLeaf, 1)
	tileBytes, rowBytes, tiles, rows := eax>>16, ebx&0xffff, ebx>>16, ecx&0xffff
	if rows != 16 || rowBytes != 64 || tiles != 8 || tileBytes != 16*64 {
		return fmt.Sprintf("the CPU's tiles are %d of %d rows of %d bytes, want 8 of 16 rows of 64 bytes", tiles, rows, rowBytes)
	}
	return ""
}

// cpuidLeaf executes CPUID.
//
//go:noescape
func cpuidLeaf(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
