package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"lastgood/tests/cluster/plane/kubelet"
	"lastgood/tests/cluster/plane/process"
)

// patience is how long the plane may take to be ready, also on a machine that is busy building.
const patience = 5 * time.Minute

// plane is one that runs.
type plane struct {
	options     options
	claim       *os.File
	block       *block
	ports       struct{ etcd, peer, apiserver, prometheus int }
	credentials *credentials
	client      kubernetes.Interface
	starter     process.Starter
	ended       chan error
}

// run holds a plane until it is told to end or one of its parts ends. Its state is of no further use then: the kernel kills the parts and the
// pods when this process ends, and the warden what these leave.
func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if o.untilInput {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	p := &plane{options: o, starter: process.NewStarter(), ended: make(chan error, 16)}
	ready := make(chan error, 1)
	go func() { ready <- p.begin(ctx) }()
	for {
		select {
		case err := <-ready:
			if err != nil && ctx.Err() == nil {
				return err
			}
			if err == nil {
				fmt.Println("ready")
			}
			ready = nil
		case err := <-p.ended:
			return err
		case <-ctx.Done():
			if ready != nil {
				<-ready
			}
			return nil
		}
	}
}

// begin starts all parts, each as soon as it can be, and returns when a pod has run.
func (p *plane) begin(ctx context.Context) error {
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.start(p.etcd(), p.apiserver()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := until(ctx, "the API server", func() error {
		return p.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if err := p.start(p.controllerManager(), p.scheduler(), p.prometheus()); err != nil {
		return err
	}
	p.nodes()
	if err := p.proven(ctx); err != nil {
		return err
	}
	return p.env()
}

// prepare claims the state's directory, addresses and ports, and writes every file that the parts read.
func (p *plane) prepare() error {
	var err error
	if p.claim, err = claimDirectory(p.options.state); err != nil {
		return err
	}
	if err := os.RemoveAll(p.options.state); err != nil {
		return err
	}
	if err := os.MkdirAll(p.path("logs"), 0o700); err != nil {
		return err
	}
	if p.block, err = claimBlock(); err != nil {
		return err
	}
	for _, port := range []*int{&p.ports.etcd, &p.ports.peer, &p.ports.apiserver, &p.ports.prometheus} {
		if *port, err = p.block.port(); err != nil {
			return err
		}
	}
	users := append([]user{
		{name: "admin", groups: []string{everything}},
		{name: "kubelet", groups: []string{everything}},
		{name: "prometheus", groups: []string{everything}},
		{name: "system:kube-controller-manager"},
		{name: "system:kube-scheduler"},
	}, p.options.users...)
	if p.credentials, err = makeCredentials(p.path("credentials"), p.block.plane(), users); err != nil {
		return err
	}
	for _, one := range users {
		if _, err := p.credentials.kubeconfig(one.name, p.ports.apiserver); err != nil {
			return err
		}
	}
	p.client, err = kubernetes.NewForConfig(&rest.Config{
		Host:            p.url("https", p.ports.apiserver),
		BearerToken:     p.credentials.users["kubelet"].token,
		TLSClientConfig: rest.TLSClientConfig{CAData: p.credentials.authority},
		UserAgent:       "kubelet",
		QPS:             -1,
	})
	return errors.Join(err, p.write("audit-policy.yaml", auditPolicy),
		p.write("prometheus.yml", fmt.Sprintf(scraping, p.credentials.file("prometheus.kubeconfig"))))
}

// claimDirectory makes sure that no other plane uses a directory, for as long as this process lives.
func claimDirectory(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("another plane uses %s: %w", path, err)
	}
	return lock, nil
}

// start starts parts, their output in logs.
func (p *plane) start(parts ...part) error {
	for _, one := range parts {
		output, err := os.Create(filepath.Join(p.path("logs"), one.name+".log"))
		if err != nil {
			return err
		}
		command := exec.Command(filepath.Join(p.options.programs, one.name), one.arguments...)
		command.Dir, command.Stdout, command.Stderr = p.options.state, output, output
		if err := p.starter.Start(command); err != nil {
			return err
		}
		output.Close()
		go func() {
			err := command.Wait()
			p.ended <- fmt.Errorf("%s ended (%v); see %s", one.name, err, output.Name())
		}()
	}
	return nil
}

// nodes starts the stand-in for the kubelet.
func (p *plane) nodes() {
	var names []string
	for number := range p.options.nodes {
		names = append(names, fmt.Sprintf("node-%d", number+1))
	}
	go func() {
		p.ended <- kubelet.Run(kubelet.Options{
			Client: p.client, Starter: p.starter, Address: p.block.pod, Host: p.block.plane(), Directory: p.path("pods"),
			Service: p.options.service, Images: p.options.images, Nodes: names,
			Backoff: p.options.backoff, BackoffMax: p.options.backoffMax,
		})
	}()
}

// until tries something again and again until it succeeds or the time is over.
func until(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", what, err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}
