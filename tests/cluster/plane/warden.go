package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"lastgood/tests/cluster/plane/process"
)

// inner is the first argument of the process that holds the plane; the one in front of it is its warden.
const inner = "inner"

// ward runs the plane in a process of its own and ends whatever that one leaves: killed, the plane's children die with it by the kernel's
// hand, and what these had started comes to the warden. Killed itself, the warden takes the plane with it: it is told to end in order.
func ward(arguments []string) int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintf(os.Stderr, "plane: cannot be told of orphans: %v\n", err)
		return 1
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintf(os.Stderr, "plane: %v\n", err)
		return 1
	}
	command := exec.Command(program, append([]string{inner}, arguments...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := process.NewStarter().StartWith(command, syscall.SIGTERM); err != nil {
		fmt.Fprintf(os.Stderr, "plane: %v\n", err)
		return 1
	}
	pid := command.Process.Pid
	go func() {
		for range signals {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}()
	code := 1
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			break
		}
		if ended == pid {
			if status.Exited() {
				code = status.ExitStatus()
			}
			break
		}
	}
	endOrphans()
	return code
}

// endOrphans kills the children of this process, and theirs as they come to it, until it has none.
func endOrphans() {
	for {
		for _, pid := range children(os.Getpid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if _, err := syscall.Wait4(-1, nil, 0, nil); errors.Is(err, syscall.ECHILD) {
			return
		}
	}
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name may hold spaces and parentheses; after the last one stand the state and the parent.
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, child)
		}
	}
	return found
}
