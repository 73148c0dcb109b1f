package kernels

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

func TestLargePackedMatricesPreferHugePages(t *testing.T) {
	own, err := syscall.Mmap(-1, 0, 2*hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(own)
	if syscall.Madvise(own, syscall.MADV_HUGEPAGE) != nil || !prefersHugePages(t, own) {
		t.Skip("the system does not take this advice")
	}
	x := make([]float32, 2*hugePage/4)
	PreferHugePages(x)
	if !prefersHugePages(t, unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))) {
		t.Error("a large slice is on small pages")
	}
	PreferHugePages[float32](nil)
	PreferHugePages(make([]float32, 1))
	const n, k = 4096, 1024
	if p := PackInt8(NT, n, k, make([]int8, n*k), k); !prefersHugePages(t, p.data) {
		t.Errorf("a packed matrix of %d bytes is on small pages", p.Bytes())
	}
	preferHugePages(nil)
}

// prefersHugePages tells whether the system notes down MADV_HUGEPAGE for the
// memory in the middle of buf.
func prefersHugePages(t *testing.T, buf []byte) bool {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	at, here := uintptr(unsafe.Pointer(&buf[len(buf)/2])), false
	for line := range strings.Lines(string(smaps)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			here = from <= at && at < to
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && here {
			return strings.Contains(flags, " hg")
		}
	}
	return false
}
