package kernels

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAMXExec runs this package's tests where there is AMX: AMX_EXEC is a
// command, put before a static test binary and its arguments, that runs them on
// such a machine, real or emulated. For example
//
//	AMX_EXEC='sde64 -spr --' go test -run TestAMXExec ./kernels
//
// The tests of the kernels of AMX must have passed there, not skipped.
func TestAMXExec(t *testing.T) {
	command := strings.Fields(os.Getenv("AMX_EXEC"))
	if len(command) == 0 {
		t.Skip("NOTHING OF AMX WAS EXECUTED beyond what this CPU has: AMX_EXEC is not set")
	}
	binary := filepath.Join(t.TempDir(), "kernels.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	args := append(command[1:], binary, "-test.short", "-test.v", "-test.run=^Test(Panel|Expected|AMXGate|GemmInt8|GemmBF16|BlockSparse)", "-kernels.level=amx")
	run := exec.Command(command[0], args...)
	run.Env = append(os.Environ(), "AMX_EXEC=")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", run, err, out)
	}
	for _, want := range []string{
		"--- PASS: TestExpectedLevel ",
		"--- PASS: TestPanelInt8/gemm_int8_amx_32x32/u8 ",
		"--- PASS: TestPanelInt8/gemm_int8_amx_32x32/s8 ",
		"--- PASS: TestPanelInt8Extremes/gemm_int8_amx_32x32/u8 ",
		"--- PASS: TestPanelInt8Extremes/gemm_int8_amx_32x32/s8 ",
		"--- PASS: TestPanelBF16/gemm_bf16_amx_32x32 ",
		"--- PASS: TestGemmInt8Unsigned/gemm_int8_amx_32x32 ",
		"--- PASS: TestGemmInt8Signed/gemm_int8_amx_32x32 ",
		"--- PASS: TestGemmBF16Exact/gemm_bf16_amx_32x32 ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("not found: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
