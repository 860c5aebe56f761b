package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lastgood/tests/cluster/plane/process"
)

// watch begins the probes of a run: startup first, if there is one, then liveness and readiness.
func (c *container) watch(current *run) {
	lost := func(kind string) func() {
		return func() {
			c.pod.event(v1.EventTypeNormal, "Killing", c.spec.Name, fmt.Sprintf("Container %s failed %s probe, will be restarted", c.spec.Name, kind))
			c.stop(c.grace())
		}
	}
	if c.spec.StartupProbe == nil {
		c.begun(current, lost("liveness"))
		return
	}
	c.try(current, "Startup", c.spec.StartupProbe, func() {
		if !c.started {
			c.begun(current, lost("liveness"))
		}
	}, lost("startup"))
}

// begun says that a run has started, and probes it from now on.
func (c *container) begun(current *run, lost func()) {
	c.started, c.ready = true, c.spec.ReadinessProbe == nil
	if c.spec.ReadinessProbe != nil {
		c.try(current, "Readiness", c.spec.ReadinessProbe, func() { c.ready = true }, func() { c.ready = false })
	}
	if c.spec.LivenessProbe != nil {
		c.try(current, "Liveness", c.spec.LivenessProbe, func() {}, lost)
	}
}

func (c *container) grace() time.Duration {
	if seconds := c.pod.object.Spec.TerminationGracePeriodSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return 30 * time.Second
}

// try probes a run for as long as it runs, and tells of each success and failure that its thresholds let count.
func (c *container) try(current *run, kind string, probe *v1.Probe, good, bad func()) {
	tell := func(what func()) {
		c.pod.post(func() {
			if c.run == current {
				what()
			}
		})
	}
	go func() {
		successes, failures := int32(0), int32(0)
		pause := time.Duration(probe.InitialDelaySeconds) * time.Second
		for {
			select {
			case <-current.probes.Done():
				return
			case <-time.After(pause):
			}
			pause = time.Duration(probe.PeriodSeconds) * time.Second
			err := c.probed(current, probe)
			if current.probes.Err() != nil {
				return
			}
			if err == nil {
				successes, failures = successes+1, 0
				if successes == probe.SuccessThreshold {
					tell(good)
					if kind == "Startup" {
						return
					}
				}
				continue
			}
			successes, failures = 0, failures+1
			c.pod.event(v1.EventTypeWarning, "Unhealthy", c.spec.Name, fmt.Sprintf("%s probe failed: %v", kind, err))
			if failures == probe.FailureThreshold {
				tell(bad)
			}
		}
	}()
}

// probed tries once.
func (c *container) probed(current *run, probe *v1.Probe) error {
	ctx, cancel := context.WithTimeout(current.probes, time.Duration(probe.TimeoutSeconds)*time.Second)
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return c.asked(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		port, err := c.port(probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.host(probe.TCPSocket.Host), port))
		if err != nil {
			return err
		}
		return connection.Close()
	case probe.Exec != nil && len(probe.Exec.Command) > 0:
		return c.executed(ctx, current, probe.Exec.Command)
	}
	return fmt.Errorf("this stand-in for a kubelet does not try such a probe")
}

func (c *container) executed(ctx context.Context, current *run, words []string) error {
	command := exec.Command(words[0], words[1:]...)
	command.Env, command.Dir = current.command.Env, current.command.Dir
	if err := c.pod.Starter.Start(command); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { process.KillGroup(command.Process.Pid) })
	defer stop()
	return command.Wait()
}

func (c *container) asked(ctx context.Context, get *v1.HTTPGetAction) error {
	port, err := c.port(get.Port)
	if err != nil {
		return err
	}
	target, err := url.Parse(get.Path)
	if err != nil {
		return err
	}
	target.Scheme, target.Host = strings.ToLower(string(get.Scheme)), net.JoinHostPort(c.host(get.Host), port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "kube-probe/1.36")
	for _, header := range get.HTTPHeaders {
		if strings.EqualFold(header.Name, "Host") {
			request.Host = header.Value
		} else {
			request.Header.Add(header.Name, header.Value)
		}
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", answer.StatusCode)
	}
	return nil
}

func (c *container) host(named string) string {
	if named != "" {
		return named
	}
	return c.pod.address
}

// port is a probe's, which may be the name of one of the container's.
func (c *container) port(port intstr.IntOrString) (string, error) {
	if port.Type == intstr.Int {
		return strconv.Itoa(port.IntValue()), nil
	}
	for _, one := range c.spec.Ports {
		if one.Name == port.StrVal {
			return strconv.Itoa(int(one.ContainerPort)), nil
		}
	}
	return "", fmt.Errorf("couldn't find port: %q", port.StrVal)
}
