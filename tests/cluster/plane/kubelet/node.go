package kubelet

import (
	"context"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pulse is how often a node's lease is renewed; one not renewed for 40 s makes the node NotReady.
const pulse = 10 * time.Second

// register makes a node and says that it is ready.
func (k *kubelet) register(ctx context.Context, name string) error {
	node, err := k.Client.CoreV1().Nodes().Create(ctx, &v1.Node{
		ObjectMeta: meta.ObjectMeta{
			Name:   name,
			Labels: map[string]string{v1.LabelHostname: name, v1.LabelOSStable: runtime.GOOS, v1.LabelArchStable: runtime.GOARCH},
		},
	}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	now := meta.Now()
	room := v1.ResourceList{
		v1.ResourceCPU:              resource.MustParse("64"),
		v1.ResourceMemory:           resource.MustParse("256Gi"),
		v1.ResourceEphemeralStorage: resource.MustParse("256Gi"),
		v1.ResourcePods:             resource.MustParse("250"),
	}
	condition := func(kind v1.NodeConditionType, status v1.ConditionStatus, reason, message string) v1.NodeCondition {
		return v1.NodeCondition{
			Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now,
		}
	}
	node.Status = v1.NodeStatus{
		Capacity:    room,
		Allocatable: room,
		Conditions: []v1.NodeCondition{
			condition(v1.NodeReady, v1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
			condition(v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
			condition(v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
			condition(v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		},
		Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: k.Host}, {Type: v1.NodeHostName, Address: name}},
		NodeInfo: v1.NodeSystemInfo{
			KubeletVersion: "v1.36.3", ContainerRuntimeVersion: "process://1", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
			OSImage: "a stand-in that runs pods as local processes",
		},
	}
	if _, err := k.Client.CoreV1().Nodes().UpdateStatus(ctx, node, meta.UpdateOptions{}); err != nil {
		return err
	}
	return k.renew(ctx, name)
}

// beat renews the nodes' leases for as long as the process lives.
func (k *kubelet) beat(ctx context.Context) error {
	for range time.Tick(pulse) {
		for _, name := range k.Nodes {
			// One lost beat is harmless; the next comes before the node counts as lost.
			_ = k.renew(ctx, name)
		}
	}
	return nil
}

func (k *kubelet) renew(ctx context.Context, name string) error {
	leases := k.Client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	seconds, now := int32(40), meta.NowMicro()
	spec := coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(ctx, name, meta.GetOptions{})
	if errors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: name}, Spec: spec}, meta.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(ctx, lease, meta.UpdateOptions{})
	return err
}
