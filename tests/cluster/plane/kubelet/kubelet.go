// Package kubelet stands in for the kubelets of a few nodes: it runs the containers of each pod bound there as local processes and tells the
// API server about them as a kubelet would. A container's `command` and `args` are run as they are, with its `env` and IMAGE, POD_NAME,
// POD_NAMESPACE and POD_IP; without a command it runs the demo service. Each pod has its own loopback address.
//
// Not done, as no test needs it: init containers (they are taken as done), volumes, resource limits, security contexts, lifecycle hooks,
// probes by gRPC, and the kubelet's own server (`kubectl logs` and `exec`; the output of containers lies in files).
package kubelet

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"lastgood/tests/cluster/plane/process"
)

// Options say where and how.
type Options struct {
	Client  kubernetes.Interface
	Starter process.Starter
	// Address gives each pod its own.
	Address func() netip.Addr
	// Host is the nodes' address.
	Host string
	// Directory holds a directory per pod.
	Directory string
	// Service is the lastgood binary, and Images the directory of what is in images.
	Service, Images string
	Nodes           []string
	// Backoff is the first delay after a failure, BackoffMax the longest.
	Backoff, BackoffMax time.Duration
}

// kubelet is all nodes' at once.
type kubelet struct {
	Options
	events record.EventRecorder
	mutex  sync.Mutex
	pods   map[types.UID]*pod
}

// Run registers the nodes and runs their pods. It returns only with an error.
func Run(options Options) error {
	ctx := context.Background()
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typed.EventSinkImpl{Interface: options.Client.CoreV1().Events("")})
	k := &kubelet{
		Options: options,
		events:  broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "kubelet"}),
		pods:    map[types.UID]*pod{},
	}
	for _, name := range k.Nodes {
		if err := k.register(ctx, name); err != nil {
			return err
		}
	}
	bound := cache.NewListWatchFromClient(k.Client.CoreV1().RESTClient(), "pods", "", fields.OneTermNotEqualSelector("spec.nodeName", ""))
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: bound,
		ObjectType:    &v1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(seen any) { k.see(seen.(*v1.Pod)) },
			UpdateFunc: func(_, seen any) { k.see(seen.(*v1.Pod)) },
			DeleteFunc: k.forget,
		},
	})
	go controller.RunWithContext(ctx)
	return k.beat(ctx)
}

// see tells a pod what the API server says of it now, and begins one that is new.
func (k *kubelet) see(object *v1.Pod) {
	if !slices.Contains(k.Nodes, object.Spec.NodeName) {
		return
	}
	k.mutex.Lock()
	known := k.pods[object.UID]
	if known == nil {
		if finished(object.Status.Phase) && object.DeletionTimestamp == nil {
			k.mutex.Unlock()
			return
		}
		known = newPod(k, object)
		k.pods[object.UID] = known
		go known.live()
	}
	k.mutex.Unlock()
	known.post(func() { known.update(object) })
}

// forget ends a pod whose object is gone, as after a forced deletion.
func (k *kubelet) forget(seen any) {
	if last, ok := seen.(cache.DeletedFinalStateUnknown); ok {
		seen = last.Obj
	}
	object, ok := seen.(*v1.Pod)
	if !ok {
		return
	}
	k.mutex.Lock()
	known := k.pods[object.UID]
	delete(k.pods, object.UID)
	k.mutex.Unlock()
	if known != nil {
		known.post(known.kill)
	}
}

func finished(phase v1.PodPhase) bool {
	return phase == v1.PodSucceeded || phase == v1.PodFailed
}
