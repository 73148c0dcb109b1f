//go:build !amd64 || noasm || purego

package kernels

// detect: without assembly there is nothing above generic.
func detect() (missing [numISA]string) {
	for i := AVX2; i < numISA; i++ {
		missing[i] = "built without assembly"
	}
	return missing
}

// hasFeature: without assembly nothing asks for one.
func hasFeature(string) bool { return false }
