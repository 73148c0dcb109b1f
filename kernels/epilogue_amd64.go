//go:build !noasm && !purego

package kernels

func init() {
	register(&epilogueFamily, Kernel{Op: "epilogue", Name: "epilogue_avx2", ISA: AVX2}, epilogueAVX2)
	register(&epilogueFamily, Kernel{Op: "epilogue", Name: "epilogue_avx512", ISA: AVX512}, epilogueAVX512)
}

//go:noescape
func epilogueAVX2(e *epilogueArgs)

//go:noescape
func epilogueAVX512(e *epilogueArgs)
