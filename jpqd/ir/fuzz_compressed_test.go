package ir

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Whatever is read is recognised or refused, and its products are listed: without
// a panic, and in no time for a small file.
func FuzzCompressed(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "tiny.xml"))
	if err != nil {
		f.Fatal(err)
	}
	bin, err := os.ReadFile(filepath.Join("testdata", "tiny.bin"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, bin)
	for _, name := range []string{"ONNX of 2022", "PyTorch of 2024 answering", "PyTorch of 2024 RoBERTa", "JPQD DistilBERT, everything", "NNCF, weights with zero points in FQ"} {
		fixture := fixtures[name]
		text, bin := fixture.export(fixture.model(1), 1)
		f.Add(text, bin)
	}
	f.Fuzz(func(t *testing.T, text, bin []byte) {
		m, err := parse(text, bin)
		if err != nil {
			return
		}
		start := time.Now()
		m.Products()
		m.Operations()
		m.Constants()
		if c, err := m.Compressed(nil); err == nil {
			if err := c.Validate(); err != nil {
				t.Errorf("recognised what is no model: %v", err)
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v for %d bytes", took, len(text)+len(bin))
		}
	})
}

// explosion is a small file of which a part takes much to compute.
type explosion struct {
	name  string
	graph func(e *exporter)
}

func (x *explosion) export() (text, bin []byte) {
	f := fixtures[torchBERT]
	e := f.exporter(f.model(1), 1)
	e.encoder()
	x.graph(e)
	return e.file(nil)
}

func exploding() []explosion {
	large := func(e *exporter, x foreignTensor, sizes ...int) foreignTensor {
		return e.op("", "Broadcast-3", []string{"mode", "numpy"}, x, e.ints(sizes...))
	}
	return []explosion{
		{"sizes of heads", func(e *exporter) {
			x := e.size(e.ids, 0, I64)
			for range 19 {
				x = e.op("", "Concat-1", []string{"axis", "0"}, x, x, x, x, x, x, x, x)
			}
			e.reads("layer.0.attention.self/aten::view/Reshape", 1, x)
		}},
		{"mask", func(e *exporter) {
			x := large(e, e.find("bert/aten::unsqueeze/Unsqueeze_1"), 1, 1, 1<<22, 3)
			for range 100 {
				x = e.op("", "Add-1", numpy, x, e.int(0))
			}
			e.reads("bert/aten::to/Convert", 0, x)
		}},
		{"mask of products", func(e *exporter) {
			e.instead(e.find("bert/aten::to/Convert"), func(mask foreignTensor) foreignTensor {
				x := large(e, mask, 1, 1, 8001, 3)
				x = e.op("", "MatMul-1", []string{"transpose_b", "true"}, x, x)
				x = e.op("", "MatMul-1", nil, x, x)
				x = e.op("", "Slice-8", nil, x, e.ints(0), e.ints(1), e.ints(1), e.ints(2))
				return e.op("", "Add-1", numpy, mask, x)
			})
		}},
		{"weights", func(e *exporter) {
			x := large(e, e.float(1), 1<<14, 1<<14)
			for range 50 {
				x = e.op("", "Add-1", numpy, x, x)
			}
			e.reads("layer.0.attention.self.value/aten::linear/MatMul", 1, x)
		}},
		{"limits of many quantizers", func(e *exporter) {
			x := large(e, e.float(1), 1<<20)
			for range 100 {
				x = e.op("", "Add-1", numpy, x, x)
			}
			y := e.find("classifier/aten::linear/Add")
			y.called("")
			for range 200 {
				y = e.op("", "FakeQuantize-1", []string{"levels", "256"}, y, x, x, x, x)
			}
			e.result(y.called("more"))
		}},
	}
}

// Little files that ask for much are refused soon.
func TestRecogniseExploding(t *testing.T) {
	for _, test := range exploding() {
		t.Run(test.name, func(t *testing.T) {
			m, err := parse(test.export())
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			bytes := allocated(func() {
				m.Products()
				_, err = m.Compressed(nil)
			})
			if took := time.Since(start); took > 5*time.Second || bytes > 1<<30 {
				t.Errorf("took %v and %d bytes", took, bytes)
			}
			if err == nil && test.name != "limits of many quantizers" {
				t.Error("found no error")
			}
		})
	}
}
