// Command plane runs a whole Kubernetes on loopback, without root, containers or images: etcd, API server, controller manager, scheduler, a
// stand-in for the kubelet that runs pods as local processes, and a Prometheus that scrapes them. It prints `ready` when a first pod has run
// on it, and ends with everything that it started at SIGTERM, at the end of standard input if so asked, or when one of its parts ends.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// options are what the command line says.
type options struct {
	programs   string
	state      string
	service    string
	images     string
	nodes      int
	users      []user
	backoff    time.Duration
	backoffMax time.Duration
	untilInput bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == inner {
		options, err := parse(os.Args[2:])
		if err == nil {
			err = run(options)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "plane: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if _, err := parse(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "plane: %v\n", err)
		os.Exit(2)
	}
	os.Exit(ward(os.Args[1:]))
}

func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("plane", flag.ExitOnError)
	flags.StringVar(&o.programs, "programs", "", "directory with kube-apiserver and the others")
	flags.StringVar(&o.state, "state", "", "directory for everything that is written; what was in it is removed")
	flags.StringVar(&o.service, "service", "", "the lastgood binary, whose demo service runs in containers without a command")
	flags.StringVar(&o.images, "images", "", "directory with what is in images: NAME.json is the demo service's service.json of image NAME, NAME.gone says that it cannot be pulled any more, where NAME has _ for / and :")
	flags.IntVar(&o.nodes, "nodes", 3, "nodes whose pods are processes")
	flags.DurationVar(&o.backoff, "backoff", 10*time.Second, "first delay of a container or an image that fails; doubles each time")
	flags.DurationVar(&o.backoffMax, "backoff-max", 5*time.Minute, "longest such delay")
	flags.BoolVar(&o.untilInput, "until-input-ends", false, "end when standard input ends")
	flags.Func("user", "NAME or NAME=GROUP,GROUP: one more user, with a kubeconfig in credentials/NAME.kubeconfig (may be given again)", func(text string) error {
		one, err := parseUser(text)
		o.users = append(o.users, one)
		return err
	})
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.programs == "" || o.state == "" || flags.NArg() > 0 {
		return o, fmt.Errorf("--programs and --state are needed, and nothing but flags")
	}
	for _, path := range []*string{&o.programs, &o.state, &o.service, &o.images} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		*path = absolute
	}
	return o, nil
}
