package kernels

import "unsafe"

// PreferHugePages asks the system for pages of 2 MB under x, if x is large: of
// pages of 4 KB a core's translation buffers reach a few megabytes, and a pass
// over more waits for page walks, above all in a virtual machine. It is advice
// for memory that has not been written to yet, which the system may decline. On
// Linux with transparent_hugepage=always, and on other systems, it changes nothing.
func PreferHugePages[T any](x []T) {
	bytes := cap(x) * int(unsafe.Sizeof(*new(T)))
	if bytes >= hugeAtLeast {
		adviseHugePages(uintptr(unsafe.Pointer(unsafe.SliceData(x))), bytes, false)
	}
}

// preferHugePages is [PreferHugePages] for a buffer that is used at once and in
// whole. It may have been memory of another before: what lies on small pages
// already is moved. It takes in whole what lies beside buf on the same pages:
// buffers allocated one after the other share them.
func preferHugePages(buf []byte) {
	if len(buf) >= hugeAtLeast {
		adviseHugePages(uintptr(unsafe.Pointer(&buf[0])), len(buf), true)
	}
}

const (
	hugePage    = 2 << 20
	hugeAtLeast = hugePage / 8
)
