// Package autograd is reverse-mode differentiation over matrices: what a BERT
// needs to be trained, and nothing it does not.
//
// A [Tensor] is a matrix of float32. Operations are methods of a [Tape]; each
// is a pair, forward and backward, side by side in one file. The forward half
// computes the result and, if a gradient is wanted, records a node; Backward
// walks the nodes in reverse and adds to the Grad of every input.
//
// # Memory
//
// Results live in the tape's arena and are valid until [Tape.Begin], which
// takes the whole arena back at once. Once the arena and the list of nodes have
// grown to the size of the largest step, a step allocates nothing.
//
// # Randomness
//
// The only random operation is dropout. Its decisions are a function of the
// seed and step given to Begin, the number of the call within the step and the
// element's index, so a step can be repeated without any stored state.
package autograd
