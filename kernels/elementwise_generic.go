package kernels

// The products are converted to float32 before they are added: without that
// the compiler may fuse the two on some architectures and round only once.

func addGeneric(_ float32, a, b, y []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

func mulGeneric(_ float32, a, b, y []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] * b[i]
	}
}

func mulAddGeneric(_ float32, a, b, y []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] += float32(a[i] * b[i])
	}
}

func scaleGeneric(s float32, x, _, y []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] = s * x[i]
	}
}

func addScaledGeneric(s float32, x, _, y []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += float32(s * x[i])
	}
}
