package ir

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Product is a MatMul of a model and how OpenVINO's CPU plugin computes it,
// by the rules of its low-precision transformations.
type Product struct {
	Name   string
	A, B   ElementType // the integers of the operands, U8 or I8; "" for floats
	Int8   bool        // whether it is computed in integers
	Reason string      // why it is not
}

// Products are the products of the model that its results need, in an order in
// which operands come before their users.
func (m *Model) Products() []Product {
	a := &productAnalysis{constants: findConstants(m), users: map[*layer][]*layer{}}
	for _, l := range m.order {
		for _, in := range l.inputs {
			a.users[in.layer] = append(a.users[in.layer], l)
		}
		if l.is("FakeQuantize") && a.operand(source{l, 0}).reason == "" {
			a.active = true
		}
	}
	var list []Product
	for _, l := range m.order {
		if l.is("MatMul") {
			list = append(list, a.product(l))
		}
	}
	return list
}

// is tells whether a layer is an operation of the kind.
func (l *layer) is(kind string) bool { return l.operation != nil && l.operation.kind == kind }

// productAnalysis looks at products of one model.
type productAnalysis struct {
	constants
	users  map[*layer][]*layer
	active bool // one quantizer is what the transformations look for
}

func (a *productAnalysis) product(l *layer) Product {
	left, right := a.operand(l.inputs[0]), a.operand(l.inputs[1])
	p := Product{Name: l.name, A: left.typ, B: right.typ}
	switch {
	case !a.active:
		p.Reason = "the model has no quantizer of activations with constant limits"
	case left.reason != "":
		p.Reason = "left operand: " + left.reason
	case right.reason != "":
		p.Reason = "right operand: " + right.reason
	case left.perChannel:
		p.Reason = "left operand: its scale is not one for all"
	case right.varies != 0 && right.varies != outputs(l):
		p.Reason = "right operand: its scale varies along what is summed up"
	case right.typ != I8:
		p.Reason = fmt.Sprintf("right operand: %s integers, want %s", right.typ, I8)
	case right.zeroPoint:
		p.Reason = "right operand: has a zero point"
	case left.zeroPoint && !right.constant:
		p.Reason = "left operand: has a zero point, and the right one is no constant"
	case !right.constant:
		if user := a.scaled(l); user != nil {
			p.Reason = fmt.Sprintf("%s %q is moved from behind the product onto an operand", user.operation.kind, user.name)
		}
	}
	p.Int8 = p.Reason == ""
	return p
}

// scaled is the multiplication of the product by one number that alone follows it.
func (a *productAnalysis) scaled(l *layer) *layer {
	users := a.users[l]
	if len(users) != 1 || !users[0].is("Multiply") && !users[0].is("Divide") {
		return nil
	}
	for _, in := range users[0].inputs {
		if _, ok := a.scalar(in); ok {
			return users[0]
		}
	}
	return nil
}

// operandType is what is known of an operand's integers.
type operandType struct {
	typ        ElementType
	constant   bool
	zeroPoint  bool
	perChannel bool
	varies     int    // the dimension along which the scale does, from the last, which is 1; 0: none
	reason     string // why it has none
}

// operand follows the operand of a product to its quantizer.
func (a *productAnalysis) operand(s source) operandType {
	for steps := 0; steps < maxDepth && (s.is("Reshape") || s.is("Transpose") || s.is("Split") || s.is("VariadicSplit") || s.is("Squeeze") || s.is("Unsqueeze")); steps++ {
		s = s.inputs[0]
	}
	switch {
	case s.is("FakeQuantize"):
		return a.fakeQuantized(s.layer)
	case s.is("Multiply"):
		if w := findStored(s); w != nil {
			q := operandType{typ: w.integers.typ, constant: true}
			scale := a.small(w.scale, maxChannels)
			if scale == nil {
				return operandType{reason: fmt.Sprintf("Multiply %q has a scale that is no constant", s.name)}
			}
			q.varies = varyingAxis(scale.Shape)
			if zero := w.zero.layer; zero != nil {
				t := a.small(w.zero, maxChannels)
				q.zeroPoint = t == nil || slices.ContainsFunc(t.F32, func(v float32) bool { return v != 0 }) || slices.ContainsFunc(t.I64, func(v int64) bool { return v != 0 })
			}
			return q
		}
	}
	return operandType{reason: fmt.Sprintf("%s %q is not quantized", s.kind, s.name)}
}

// varyingAxis is the first dimension above 1, counted from the last; 0 for none.
func varyingAxis(shape []int) int {
	for i, n := range shape {
		if n > 1 {
			return len(shape) - i
		}
	}
	return 0
}

// outputs is the dimension of a product's right operand that is one of the result.
func outputs(l *layer) int {
	if turned, err := (&call{layer: l}).boolean("transpose_b", false); err == nil && turned {
		return 2
	}
	return 1
}

// levelsInRange are the numbers of levels that are known to the plugin.
var levelsInRange = []int{15, 16, 255, 256, 65535, 65536}

// fakeQuantized classifies the output of a FakeQuantize.
func (a *productAnalysis) fakeQuantized(l *layer) operandType {
	q := operandType{constant: a.has(l.inputs[0])}
	c := &call{layer: l}
	levels, err := c.integer("levels", 256)
	if err != nil || !slices.Contains(levelsInRange, levels) {
		q.reason = fmt.Sprintf("FakeQuantize %q has %q levels, want one of %v", l.name, l.attributes.get("levels"), levelsInRange)
		return q
	}
	var limits [4]*Tensor
	for i := range limits {
		t := a.small(l.inputs[1+i], maxChannels)
		if t == nil || !t.Type.isFloat() || t.Len() == 0 {
			q.reason = fmt.Sprintf("FakeQuantize %q has limits that are no constants", l.name)
			return q
		}
		limits[i] = t
		q.perChannel = q.perChannel || t.Len() > 1
		q.varies = max(q.varies, varyingAxis(t.Shape))
	}
	low, high := limits[2], limits[3]
	for i := range max(low.Len(), high.Len()) {
		typ := rangeType(low.F32[i%low.Len()], high.F32[i%high.Len()], levels)
		switch {
		case typ == "":
			typ, q.zeroPoint = U8, true
			if q.constant {
				typ = I8
			}
		case q.typ != "" && typ != q.typ:
			typ = I8
		}
		q.typ = typ
	}
	return q
}

// maxChannels bounds the limits of a quantizer that are looked at.
const maxChannels = 1 << 20

// rangeType is U8 or I8 for levels from low to high without a zero point, else "".
func rangeType(low, high float32, levels int) ElementType {
	const tolerance, nothing = 0.002, 1e-6
	if math.Abs(float64(low)) < nothing {
		return U8
	}
	want := -1.0 // of an odd number of levels
	if levels%2 == 0 {
		want = -float64(levels) / float64(levels-2)
	}
	if ratio := float64(low) / float64(high); math.Abs(ratio-want) < tolerance {
		return I8
	}
	return ""
}

// OperationCount is how many operations of a kind a model has.
type OperationCount struct {
	Kind, Opset string
	Count       int
}

// Operations counts the operations that the results need, by kind and then by
// the operation set that the file names.
func (m *Model) Operations() []OperationCount {
	counts := map[OperationCount]int{}
	for _, l := range m.order {
		kind := l.kind
		if l.operation != nil {
			kind = l.operation.kind
		}
		counts[OperationCount{Kind: kind, Opset: l.opset}]++
	}
	list := make([]OperationCount, 0, len(counts))
	for o, n := range counts {
		o.Count = n
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b OperationCount) int {
		return strings.Compare(a.Kind+" "+a.Opset, b.Kind+" "+b.Opset)
	})
	return list
}

// ConstantSize is what the constants of a type take in the file.
type ConstantSize struct {
	Type  ElementType
	Count int   // of layers
	Bytes int64 // bytes that several of them share counted once
}

// Constants are the sizes of the constants that the results need, the largest first.
func (m *Model) Constants() []ConstantSize {
	sizes := map[ElementType]*ConstantSize{}
	type span struct {
		first *byte
		n     int
	}
	seen := map[span]bool{}
	for _, l := range m.order {
		if l.kind != "Const" {
			continue
		}
		if sizes[l.typ] == nil {
			sizes[l.typ] = &ConstantSize{Type: l.typ}
		}
		size := sizes[l.typ]
		size.Count++
		if len(l.raw) == 0 {
			continue
		}
		if at := (span{&l.raw[0], len(l.raw)}); !seen[at] {
			seen[at] = true
			size.Bytes += int64(len(l.raw))
		}
	}
	list := make([]ConstantSize, 0, len(sizes))
	for _, s := range sizes {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b ConstantSize) int {
		if a.Bytes != b.Bytes {
			return int(min(1, max(-1, b.Bytes-a.Bytes)))
		}
		return strings.Compare(string(a.Type), string(b.Type))
	})
	return list
}
