package kernels

import "syscall"

const madvCollapse = 25 // MADV_COLLAPSE, of Linux 6.1

// adviseHugePages asks for huge pages where a buffer is, rounded outwards, and
// moves what is on small ones if it is to.
func adviseHugePages(at uintptr, bytes int, move bool) {
	from, to := at&^(hugePage-1), (at+uintptr(bytes)+hugePage-1)&^(hugePage-1)
	syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
	if move {
		syscall.Syscall(syscall.SYS_MADVISE, from, to-from, madvCollapse)
	}
}
