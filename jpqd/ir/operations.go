package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// operation is one version of an operation.
type operation struct {
	kind        string
	since       int // the operation set that introduced the version
	least, most int // inputs
	eval        func(*call) ([]*Tensor, error)
}

// lastOpset is the newest operation set whose operations are known to be those listed here.
const lastOpset = 16

// anyInputs is a bound for any number of inputs.
const anyInputs = 1 << 30

// operations that can be evaluated, versions of one kind in ascending order.
var operations = index([]operation{
	{"Add", 1, 2, 2, add},
	{"Subtract", 1, 2, 2, subtract},
	{"Multiply", 1, 2, 2, multiply},
	{"Divide", 1, 2, 2, divide},
	{"Power", 1, 2, 2, power},
	{"Convert", 1, 1, 1, convert},
	{"Select", 1, 3, 3, choose},
	{"Equal", 1, 2, 2, compare(isEqual, isEqual)},
	{"NotEqual", 1, 2, 2, compare(isNotEqual, isNotEqual)},
	{"Less", 1, 2, 2, compare(isLess, isLess)},
	{"LessEqual", 1, 2, 2, compare(isLessEqual, isLessEqual)},
	{"Greater", 1, 2, 2, compare(isGreater, isGreater)},
	{"GreaterEqual", 1, 2, 2, compare(isGreaterEqual, isGreaterEqual)},
	{"LogicalAnd", 1, 2, 2, logical(isBoth)},
	{"LogicalOr", 1, 2, 2, logical(isEither)},
	{"LogicalNot", 1, 1, 1, logicalNot},
	{"Erf", 1, 1, 1, erf},
	{"Tanh", 1, 1, 1, tanh},
	{"ReLU", 1, 1, 1, relu},
	{"Sqrt", 1, 1, 1, sqrt},
	{"Gelu", 2, 1, 1, geluErf},
	{"Gelu", 7, 1, 1, gelu},
	{"FakeQuantize", 1, 5, 5, fakeQuantize},
	{"FakeConvert", 13, 2, 3, fakeConvert},
	{"MatMul", 1, 2, 2, matMul},
	{"ReduceMean", 1, 2, 2, reduceMean},
	{"CumSum", 3, 2, 2, cumSum},
	{"MVN", 6, 2, 2, mvn},
	{"SoftMax", 1, 1, 1, softMaxCounted},
	{"SoftMax", 8, 1, 1, softMax},
	{"ScaledDotProductAttention", 13, 3, 5, attention},
	{"Reshape", 1, 2, 2, reshape},
	{"Transpose", 1, 2, 2, transpose},
	{"Unsqueeze", 1, 2, 2, unsqueeze},
	{"Squeeze", 1, 1, 2, squeeze},
	{"ShapeOf", 1, 1, 1, shapeOf},
	{"Broadcast", 3, 2, 2, broadcast},
	{"Concat", 1, 1, anyInputs, concat},
	{"Split", 1, 2, 2, split},
	{"VariadicSplit", 1, 3, 3, variadicSplit},
	{"Range", 4, 3, 3, rangeOf},
	{"Gather", 1, 3, 3, gather},
	{"ScatterUpdate", 3, 4, 4, scatterUpdate},
	{"Slice", 8, 4, 5, slice},
	{"StridedSlice", 1, 3, 4, stridedSlice},
})

// index lists the versions of each kind by its name in lower case.
func index(list []operation) map[string][]operation {
	byKind := map[string][]operation{}
	for _, o := range list {
		kind := strings.ToLower(o.kind)
		byKind[kind] = append(byKind[kind], o)
	}
	return byKind
}

// findOperation is the version of kind that the operation set, "opset8", holds.
func findOperation(kind, opset string) (*operation, error) {
	number, ok := strings.CutPrefix(opset, "opset")
	n, err := strconv.Atoi(number)
	if ok && err == nil && n >= 1 && n <= lastOpset {
		versions := operations[strings.ToLower(kind)]
		for i := len(versions) - 1; i >= 0; i-- {
			if versions[i].since <= n {
				return &versions[i], nil
			}
		}
	}
	return nil, fmt.Errorf("operation %.80q of version %.80q is not known", kind, opset)
}
