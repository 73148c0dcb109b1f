package autograd

import "testing"

// Classes are told apart by their sizes, which exceed what is asked for by an
// eighth at most, and a size is in its own class.
func TestSizeClass(t *testing.T) {
	sizes := map[int]int{}
	last := -1
	for n := range 1 << 16 {
		class, size := sizeClass(n)
		if size < n || size > n+n/8 {
			t.Fatalf("%d: found size %d", n, size)
		}
		if again, same := sizeClass(size); again != class || same != size {
			t.Fatalf("%d: found class %d of size %d, whose own are %d and %d", n, class, size, again, same)
		}
		if known, ok := sizes[class]; ok && known != size {
			t.Fatalf("%d: found class %d of sizes %d and %d", n, class, known, size)
		}
		sizes[class] = size
		if class < last {
			t.Fatalf("%d: found class %d behind %d", n, class, last)
		}
		last = class
	}
}

// Memory that was given back serves what is about as large.
func TestGradientPool(t *testing.T) {
	var p gradientPool
	a := p.take(1000)
	p.put(a)
	if b := p.take(990); &a[0] != &b[0] || len(b) != 990 {
		t.Errorf("found other memory, or %d floats", len(b))
	}
	if c := p.take(1000); &a[0] == &c[0] {
		t.Error("found the same memory twice")
	}
	p.reset()
	if d := p.take(17); len(d) != 17 || p.memory.peak < 2000 {
		t.Errorf("found %d floats, and a peak of %d", len(d), p.memory.peak)
	}
}
