package ir

import (
	"errors"
	"fmt"
	"strconv"
)

// details reads what the kind of a layer asks for.
func (r *reader) details(l *layer) (err error) {
	switch l.kind {
	case "Result":
		return nil
	case "Parameter":
		l.value, err = parameterValue(l.attributes)
		return err
	case "Const":
		l.value, err = r.constantValue(l.attributes)
		return err
	}
	if l.operation, err = findOperation(l.kind, l.opset); err != nil {
		return err
	}
	if n := len(l.inputs); n < l.operation.least || n > l.operation.most {
		return fmt.Errorf("found %d inputs, want %d to %d", n, l.operation.least, l.operation.most)
	}
	return nil
}

// parameterValue reads the attributes of a Parameter.
func parameterValue(a attributeText) (*value, error) {
	typ, shape, err := typeAndShape(a)
	if err != nil {
		return nil, err
	}
	dims, err := parseBounds(shape)
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	return &value{typ: typ, dims: dims}, nil
}

// constantValue finds the bytes of a Const in the file of constants.
func (r *reader) constantValue(a attributeText) (*value, error) {
	typ, list, err := typeAndShape(a)
	if err != nil {
		return nil, err
	}
	shape, err := parseList(list)
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	offset, err := byteCount(a, "offset")
	if err != nil {
		return nil, err
	}
	size, err := byteCount(a, "size")
	if err != nil {
		return nil, err
	}
	if length := uint64(len(r.bin)); offset > length || size > length-offset {
		return nil, fmt.Errorf("found %d bytes at offset %d, want them inside the %d bytes of the .bin file", size, offset, length)
	}
	n, err := elementCount(shape, maxElements)
	if err != nil {
		return nil, err
	}
	if want := uint64(n) * uint64(elementTypes[typ].size); size < want {
		return nil, fmt.Errorf("found %d bytes, want %d for %s of shape %v", size, want, typ, shape)
	}
	return &value{typ: typ, shape: shape, raw: r.bin[offset : offset+size]}, nil
}

func typeAndShape(a attributeText) (typ ElementType, shape string, err error) {
	if typ, err = parseElementType(a.get("element_type")); err != nil {
		return "", "", err
	}
	shape, ok := a.lookup("shape")
	if !ok {
		return "", "", errors.New("found no shape")
	}
	return typ, shape, nil
}

func byteCount(a attributeText, name string) (uint64, error) {
	n, err := strconv.ParseUint(a.get(name), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%s: found %.80q, want a number of bytes", name, a.get(name))
	}
	return n, nil
}
