package kernels

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	hugeAtLeast  = hugePage / 8
	madvCollapse = 25 // MADV_COLLAPSE, of Linux 6.1
)

// preferHugePages asks for pages of 2 MB under buf if it is large: a model's
// weights are more than the translation buffers of a core reach in pages of 4 KB,
// and a product of few rows then waits for page walks. It is advice, that the
// system may decline, and takes in whole what lies beside buf on the same pages:
// buffers allocated one after the other share them.
func preferHugePages(buf []byte) {
	if len(buf) < hugeAtLeast {
		return
	}
	at := uintptr(unsafe.Pointer(&buf[0]))
	from, to := at&^(hugePage-1), (at+uintptr(len(buf))+hugePage-1)&^(hugePage-1)
	for _, advice := range [...]uintptr{syscall.MADV_HUGEPAGE, madvCollapse} {
		syscall.Syscall(syscall.SYS_MADVISE, from, to-from, advice)
	}
}
