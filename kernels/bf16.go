package kernels

// BF16 is a brain float: the upper half of a float32's bits.
type BF16 uint16
