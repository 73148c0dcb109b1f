package lengths

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lengths")
	for text, message := range map[string]string{"5 x": `"x"`, "0": `"0"`, "129": `"129"`, "12 10\n128\n": ""} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		switch {
		case message == "" && (err != nil || !slices.Equal(got, []int{12, 10, 128})):
			t.Errorf("%q: found %v, error %v", text, got, err)
		case message != "" && (err == nil || !strings.Contains(err.Error(), message)):
			t.Errorf("%q: found error %v, want one about %s", text, err, message)
		}
	}
}
