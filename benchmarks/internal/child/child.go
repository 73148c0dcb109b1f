//go:build linux

// Package child runs programs that answer lines with lines.
package child

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Child is a running program.
type Child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// Start starts a program and waits for the line by which it says that it is
// ready. The program ends with ctx and with the thread that started it: the
// caller is to have locked it.
func Start(ctx context.Context, environment []string, program string, args ...string) (*Child, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{cmd, in, bufio.NewScanner(out)}
	if !c.out.Scan() {
		return nil, fmt.Errorf("%s %q ends before it is ready", program, args)
	}
	return c, nil
}

// Ask sends a line, which has its end, and returns the answer.
func (c *Child) Ask(line string) (string, error) {
	if _, err := io.WriteString(c.in, line); err != nil {
		return "", err
	}
	if !c.out.Scan() {
		return "", fmt.Errorf("%s ended in the middle: %w", c.cmd.Path, io.ErrUnexpectedEOF)
	}
	return c.out.Text(), nil
}

// PID is its number.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Close ends the program's input and waits for its end.
func (c *Child) Close() error {
	if err := c.in.Close(); err != nil {
		return err
	}
	return c.cmd.Wait()
}
