// Package realdata finds the data that tests and benchmarks read but that is
// not part of the repository.
package realdata

import (
	"os"
	"path/filepath"
	"testing"
)

const absent = "SST-2, vocabulary and models are not part of the repository; set JPQD_DATA to a folder that holds them"

// Dir returns the folder that holds sst2/, squad/, vocab/ and models/: the one
// named by the environment variable JPQD_DATA or else ../shared/data, seen from
// the module's root. Where there is none, it skips the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir, named := os.LookupEnv("JPQD_DATA")
	if !named {
		dir = filepath.Join(moduleRoot(t), "..", "shared", "data")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Skip(absent)
	}
	return dir
}

// moduleRoot is the nearest folder at or above the working directory, which is
// the package's folder in a test, that holds go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip(absent)
		}
		dir = parent
	}
}
