package kubelet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lastgood/tests/cluster/plane/process"
)

// misconfigured is how long a container that cannot be made yet waits for the next try.
const misconfigured = 2 * time.Second

// container is one container of a pod. Its methods run on the pod's goroutine.
type container struct {
	pod      *pod
	spec     v1.Container
	image    image
	state    v1.ContainerState
	last     v1.ContainerState
	restarts int32
	ready    bool
	started  bool
	run      *run
	pulls    time.Duration
	starts   time.Duration
}

// run is one process of a container.
type run struct {
	command *exec.Cmd
	since   meta.Time
	probes  context.Context
	stop    context.CancelFunc
}

func newContainer(p *pod, spec v1.Container) *container {
	one := &container{pod: p, spec: spec}
	one.wait("ContainerCreating", "")
	return one
}

func (c *container) wait(reason, message string) {
	c.state = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// longer is the delay that follows a delay: the first, then twice as long each time.
func (c *container) longer(delay time.Duration) time.Duration {
	if delay == 0 {
		return c.pod.Backoff
	}
	return min(2*delay, c.pod.BackoffMax)
}

// later does something after a delay unless the pod is ending by then.
func (c *container) later(delay time.Duration, what func()) {
	c.pod.after(delay, func() {
		if !c.pod.ending {
			what()
		}
	})
}

// pull gets the image, as far as there is one to get, and starts the container.
func (c *container) pull() {
	name := c.spec.Image
	warn := func(reason, message string) { c.pod.event(v1.EventTypeWarning, reason, c.spec.Name, message) }
	found, err := parseImage(name, c.pod.Images)
	if err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", name, name, err)
		warn("InspectFailed", message)
		warn("Failed", "Error: InvalidImageName")
		c.wait("InvalidImageName", message)
		return
	}
	c.image = found
	c.pod.event(v1.EventTypeNormal, "Pulling", c.spec.Name, fmt.Sprintf("Pulling image %q", name))
	if trouble := found.trouble(); trouble != "" {
		warn("Failed", fmt.Sprintf("Failed to pull image %q: %s", name, trouble))
		warn("Failed", "Error: ErrImagePull")
		c.wait("ErrImagePull", trouble)
		c.pulls = c.longer(c.pulls)
		c.later(min(c.pulls/2, time.Second), func() {
			message := fmt.Sprintf("Back-off pulling image %q", name)
			c.pod.event(v1.EventTypeNormal, "BackOff", c.spec.Name, message)
			warn("Failed", "Error: ImagePullBackOff")
			c.wait("ImagePullBackOff", message+": ErrImagePull: "+trouble)
		})
		c.later(c.pulls, c.pull)
		return
	}
	c.pod.event(v1.EventTypeNormal, "Pulled", c.spec.Name, fmt.Sprintf("Container image %q already present on machine", name))
	c.pulls = 0
	c.start()
}

// start starts the container's process.
func (c *container) start() {
	command, err := c.command()
	if err != nil {
		c.pod.event(v1.EventTypeWarning, "Failed", c.spec.Name, "Error: "+err.Error())
		c.wait("CreateContainerConfigError", err.Error())
		c.later(misconfigured, c.start)
		return
	}
	current := &run{command: command, since: meta.Now()}
	current.probes, current.stop = context.WithCancel(context.Background())
	c.run = current
	if err := c.launch(command); err != nil {
		c.pod.event(v1.EventTypeWarning, "Failed", c.spec.Name, "Error: "+err.Error())
		c.exited(current, v1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: err.Error()})
		return
	}
	c.pod.event(v1.EventTypeNormal, "Started", c.spec.Name, "Container started")
	c.state = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: current.since}}
	go func() {
		err := command.Wait()
		// Whatever the process left in its group ends with it, as in a container.
		process.KillGroup(command.Process.Pid)
		c.pod.post(func() {
			terminated := v1.ContainerStateTerminated{ExitCode: int32(process.ExitCode(err)), Reason: "Completed"}
			if err != nil {
				terminated.Reason = "Error"
			}
			c.exited(current, terminated)
		})
	}()
	c.watch(current)
}

// launch starts a command with its output in a file, and closes what was opened for it.
func (c *container) launch(command *exec.Cmd) error {
	output, err := os.Create(filepath.Join(c.pod.directory, fmt.Sprintf("%s.%d.log", c.spec.Name, c.restarts)))
	if err != nil {
		return err
	}
	defer output.Close()
	if input, ok := command.Stdin.(*os.File); ok {
		defer input.Close()
	}
	command.Stdout, command.Stderr = output, output
	return c.pod.Starter.Start(command)
}

// stop asks the container's process to end, and kills it after the grace.
func (c *container) stop(grace time.Duration) {
	current := c.run
	if current == nil {
		return
	}
	pid := current.command.Process.Pid
	if grace == 0 {
		process.KillGroup(pid)
		return
	}
	c.pod.event(v1.EventTypeNormal, "Killing", c.spec.Name, "Stopping container "+c.spec.Name)
	_ = syscall.Kill(pid, syscall.SIGTERM)
	c.pod.after(grace, func() {
		if c.run == current {
			process.KillGroup(pid)
		}
	})
}

// exited takes note of a process's end, and restarts it as the pod's policy says: at once the first time, then after longer and longer delays.
func (c *container) exited(ended *run, how v1.ContainerStateTerminated) {
	ended.stop()
	c.run, c.ready, c.started = nil, false, false
	how.StartedAt, how.FinishedAt, how.ContainerID = ended.since, meta.Now(), identity(ended)
	c.state = v1.ContainerState{Terminated: &how}
	policy := c.pod.object.Spec.RestartPolicy
	if c.pod.ending {
		c.pod.removeIfEnded()
		return
	}
	if policy == v1.RestartPolicyNever || policy == v1.RestartPolicyOnFailure && how.ExitCode == 0 {
		return
	}
	c.pod.report()
	c.last = c.state
	if how.FinishedAt.Sub(how.StartedAt.Time) > 2*c.pod.BackoffMax {
		c.starts = 0
	}
	again := func() {
		c.restarts++
		c.starts = c.longer(c.starts)
		c.start()
	}
	if c.starts == 0 {
		again()
		return
	}
	c.pod.event(v1.EventTypeWarning, "BackOff", c.spec.Name,
		fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.spec.Name, c.pod.named()))
	c.wait("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", c.starts, c.spec.Name, c.pod.named()))
	c.later(c.starts, again)
}

// identity names a run by its process.
func identity(one *run) string {
	if one == nil || one.command.Process == nil {
		return ""
	}
	return "process://" + strconv.Itoa(one.command.Process.Pid)
}

func (c *container) status() v1.ContainerStatus {
	status := v1.ContainerStatus{
		Name: c.spec.Name, State: c.state, LastTerminationState: c.last, Ready: c.ready, RestartCount: c.restarts, Image: c.spec.Image,
		Started: &c.started, ContainerID: identity(c.run),
	}
	if c.state.Terminated != nil {
		status.ContainerID = c.state.Terminated.ContainerID
	}
	if c.run != nil || c.last.Terminated != nil || c.state.Terminated != nil {
		status.ImageID = c.image.identity
	}
	return status
}
