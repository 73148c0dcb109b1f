//go:build amd64 && !noasm && !purego

package kernels

import "github.com/klauspost/cpuid/v2"

// detect asks the CPU, and through XGETBV the operating system, for each level.
func detect() (missing [numISA]string) {
	need := [numISA][]cpuid.FeatureID{
		AVX2:    {cpuid.AVX2, cpuid.FMA3},
		AVXVNNI: {cpuid.AVX2, cpuid.FMA3, cpuid.AVXVNNI},
		AVX512:  {cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL},
		VNNI:    {cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512VNNI},
	}
	for isa, features := range need {
		for _, f := range features {
			if !cpuid.CPU.Supports(f) {
				missing[isa] = "the CPU lacks " + f.String()
				break
			}
		}
	}
	missing[AMX] = detectAMX()
	return missing
}

// hasFeature tells whether the CPU has what cpuid calls by that name.
func hasFeature(name string) bool {
	f := cpuid.ParseFeature(name)
	if f == cpuid.UNKNOWN {
		panic("kernels: cpuid knows no " + name)
	}
	return cpuid.CPU.Supports(f)
}
