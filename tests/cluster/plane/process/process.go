// Package process starts processes that never outlive this one: the kernel ends each when this process ends, however it ends.
package process

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"
)

// Starter starts processes on one thread that lives as long as this process: asked to end a child with its parent, the kernel watches the
// thread that started it.
type Starter chan func()

// NewStarter begins that thread.
func NewStarter() Starter {
	work := make(Starter)
	go func() {
		runtime.LockOSThread()
		for one := range work {
			one()
		}
	}()
	return work
}

// Start starts the command in its own process group; the kernel kills it when this process ends.
func (s Starter) Start(command *exec.Cmd) error {
	return s.StartWith(command, syscall.SIGKILL)
}

// StartWith is Start, with the signal that the kernel sends.
func (s Starter) StartWith(command *exec.Cmd, atEnd syscall.Signal) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: atEnd}
	started := make(chan error)
	s <- func() { started <- command.Start() }
	return <-started
}

// KillGroup ends whatever is left in a process's group; none left is as good.
func KillGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

// ExitCode is how a command ended: its exit status, or 128 and the signal, as shells and container runtimes count it.
func ExitCode(err error) int {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &ended):
		return 128
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return ended.ExitCode()
}
