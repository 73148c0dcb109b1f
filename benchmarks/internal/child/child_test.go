//go:build linux

package child

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestChild(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := Start(context.Background(), []string{"GREETING=hello"}, "sh", "-c", `echo ready; read line; echo "$GREETING $line"`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Ask("you\n"); err != nil || got != "hello you" {
		t.Errorf("found %q, error %v", got, err)
	}
	if _, err := c.Ask("more\n"); err == nil {
		t.Error("found an answer of a program that has ended")
	} else if !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "pipe") {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Start(context.Background(), nil, "true"); err == nil || !strings.Contains(err.Error(), "before it is ready") {
		t.Errorf("found error %v of a program that says nothing", err)
	}
}
