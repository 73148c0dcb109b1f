package kernels

//go:generate go run gen_activation.go

// Activation is a function that an [Epilogue] applies to each element.
type Activation uint8

// The activations. Their errors are absolute, whatever the argument; the result
// is bit-equal on every instruction set.
const (
	ActNone     Activation = iota
	ActReLU                // max(x, 0)
	ActGELU                // x·Φ(x), Φ the normal distribution; error ≤ 5e-7 · max(1, |x|)
	ActGELUTanh            // x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))); error ≤ 5e-7 · max(1, |x|)
	ActTanh                // tanh(x); error ≤ 3e-7
	numActivations
)

// activationTable is a function of t ≥ 0 in cubics: with i = round(t·slope)
//
//	f(t) ≈ ((c3[i]·t + c2[i])·t + c1[i])·t + c0[i]
//
// for t up to limit, where the last cubic is the constant that f tends to.
// coefficients are all c0, all c1, all c2, all c3. GELU and GELUTanh are
// max(x, 0) − f(|x|) with f(t) = t·(1 − Φ(t)) or alike, which is at most 0.17;
// tanh is f with x's sign.
type activationTable struct {
	slope, limit float32
	coefficients []float32
}

// activationTables has the table of each activation, nil if it needs none.
var activationTables = [numActivations]*activationTable{
	ActGELU: &geluTable, ActGELUTanh: &geluTanhTable, ActTanh: &tanhTable,
}
