package onnx

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// A disk without room for the file leaves what was there before. The test runs
// itself again with a limit on the size of files, which fails writes as a full
// disk does.
func TestWriteWithoutRoom(t *testing.T) {
	const variable = "JPQD_ONNX_TEST_DIR"
	if dir := os.Getenv(variable); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Skip(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 12, Max: limit.Max}); err != nil {
			t.Skip(err)
		}
		err := Write(dir, testmodel.Named("float", 1), Options{})
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil { // the test's own files may be larger
			t.Fatal(err)
		}
		if err == nil || !strings.Contains(err.Error(), Name+": ") {
			t.Errorf("found error %v, want one that names the file", err)
		}
		return
	}
	dir := t.TempDir()
	if err := Write(dir, testmodel.Named("nothing left", 1), Options{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, Name))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0], "-test.run=^TestWriteWithoutRoom$")
	command.Env = append(os.Environ(), variable+"="+dir)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	after, err := os.ReadFile(filepath.Join(dir, Name))
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file changed in a write that failed (%v)", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("found %v, want the file of before", files)
	}
}
