package kernels

// rowGrain is about how many elements the rows of one part have together.
const rowGrain = 1 << 13

// rowsPerPart is how many rows of cols elements make one part. It depends on
// nothing but cols, so the parts are the same for any number of threads.
func rowsPerPart(cols int) int { return max(1, rowGrain/max(cols, 1)) }

// checkShape panics on negative dimensions.
func checkShape(rows, cols int) {
	if rows < 0 || cols < 0 {
		panic(errNegative)
	}
}

// checkLength panics unless x has n elements.
func checkLength(x []float32, n int) {
	if len(x) != n {
		panic(errLength)
	}
}

// checkOptional panics unless x is nil or has n elements.
func checkOptional(x []float32, n int) {
	if x != nil && len(x) != n {
		panic(errLength)
	}
}

// checkLeading panics where a leading dimension is less than cols.
func checkLeading(cols int, lds ...int) {
	for _, ld := range lds {
		if ld < cols {
			panic(errLeading)
		}
	}
}

// checkMatrix panics unless x holds rows of cols elements, ld apart.
func checkMatrix[T any](rows, cols int, x []T, ld int) {
	if rows > 0 && cols > 0 && len(x) < (rows-1)*ld+cols {
		panic(errLength)
	}
}
