package kubelet

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
)

// service is the demo service: the image's tag is its version, and it behaves as the image's file says, with what the variable BEHAVIOR says
// in its place. It listens on the container's first port, 8080 without one.
func (c *container) service(words []string, behavior string) (*exec.Cmd, error) {
	if c.pod.Service == "" {
		return nil, fmt.Errorf("container %s has no command, and the stand-in was started without a demo service", c.spec.Name)
	}
	said := map[string]any{}
	for _, text := range []string{string(c.image.content), behavior} {
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			return nil, fmt.Errorf("the behavior of %s is no JSON object: %w", c.spec.Image, err)
		}
	}
	text, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(c.pod.directory, c.spec.Name)
	release := filepath.Join("releases", c.image.tag)
	if c.restarts == 0 {
		if err := os.MkdirAll(filepath.Join(root, release), 0o700); err != nil {
			return nil, err
		}
		if err := os.Symlink(release, filepath.Join(root, "current")); err != nil && !os.IsExist(err) {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(root, release, "service.json"), text, 0o600); err != nil {
		return nil, err
	}
	socket, err := c.socket()
	if err != nil {
		return nil, err
	}
	command := exec.Command(c.pod.Service, append([]string{"demo", "serve", "--root", root}, words...)...)
	command.Stdin = socket
	return command, nil
}

// socket listens where the service shall; the service takes it as its standard input.
func (c *container) socket() (*os.File, error) {
	port := uint16(8080)
	if len(c.spec.Ports) > 0 {
		port = uint16(c.spec.Ports[0].ContainerPort)
	}
	address, err := netip.ParseAddr(c.pod.address)
	if err != nil {
		return nil, err
	}
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, port)))
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	return listener.File()
}
