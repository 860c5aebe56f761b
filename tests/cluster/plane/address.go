package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// block is a piece 127.X.0.0/16 of loopback that is one plane's alone, so that two planes on a machine never meet: pods may listen on any
// port of their own addresses. It is claimed by a socket, which the kernel lets go of when the plane ends, however it ends.
type block struct {
	second int
	claim  net.Listener
	mutex  sync.Mutex
	pods   int
	given  map[int]bool
}

func claimBlock() (*block, error) {
	for range 200 {
		second := 1 + rand.IntN(250)
		claim, err := net.Listen("tcp4", fmt.Sprintf("127.%d.255.254:14999", second))
		if err == nil {
			return &block{second: second, claim: claim, given: map[int]bool{}}, nil
		}
	}
	return nil, fmt.Errorf("no piece of loopback is free")
}

// plane is the address of the plane's own servers.
func (b *block) plane() string {
	return fmt.Sprintf("127.%d.0.1", b.second)
}

// port finds one that is free at the plane's address, and was not given before: who it was for may not listen yet. It is taken from below
// those that the kernel gives away by itself.
func (b *block) port() (int, error) {
	for range 200 {
		port := 15000 + rand.IntN(15000)
		listener, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", b.plane(), port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, err
		}
		if !b.given[port] {
			b.given[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port of %s is free", b.plane())
}

// pod is the next pod's address: 127.X.1.1 to 127.X.254.254. One is used again after 64516 pods.
func (b *block) pod() netip.Addr {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	next := b.pods % (254 * 254)
	b.pods++
	return netip.AddrFrom4([4]byte{127, byte(b.second), byte(1 + next/254), byte(1 + next%254)})
}
