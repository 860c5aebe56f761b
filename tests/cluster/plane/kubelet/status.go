package kubelet

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// status is what the kubelet owns of the pod's.
func (p *pod) status() v1.PodStatus {
	status := v1.PodStatus{
		ObservedGeneration: p.object.Generation,
		Phase:              p.phase(),
		HostIP:             p.Host,
		HostIPs:            []v1.HostIP{{IP: p.Host}},
		PodIP:              p.address,
		PodIPs:             []v1.PodIP{{IP: p.address}},
		StartTime:          &p.began,
		QOSClass:           p.object.Status.QOSClass,
	}
	var unready []string
	for _, one := range p.containers {
		status.ContainerStatuses = append(status.ContainerStatuses, one.status())
		if !one.ready {
			unready = append(unready, one.spec.Name)
		}
	}
	ready, reason, message := v1.ConditionTrue, "", ""
	switch {
	case finished(status.Phase):
		ready, reason = v1.ConditionFalse, "PodCompleted"
		if status.Phase == v1.PodFailed {
			reason = "PodFailed"
		}
	case len(unready) > 0:
		ready, reason = v1.ConditionFalse, "ContainersNotReady"
		message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	p.condition(&status, v1.PodReadyToStartContainers, v1.ConditionTrue, "", "")
	p.condition(&status, v1.PodInitialized, v1.ConditionTrue, "", "")
	p.condition(&status, v1.ContainersReady, ready, reason, message)
	if gate := p.closedGate(); ready == v1.ConditionTrue && gate != "" {
		ready, reason = v1.ConditionFalse, "ReadinessGatesNotReady"
		message = fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but False", gate)
	}
	p.condition(&status, v1.PodReady, ready, reason, message)
	return status
}

// closedGate is the first of the pod's readiness gates that is not open.
func (p *pod) closedGate() v1.PodConditionType {
	for _, gate := range p.object.Spec.ReadinessGates {
		open := false
		for _, condition := range p.object.Status.Conditions {
			open = open || condition.Type == gate.ConditionType && condition.Status == v1.ConditionTrue
		}
		if !open {
			return gate.ConditionType
		}
	}
	return ""
}

// condition adds one, whose transition was when its status last changed.
func (p *pod) condition(status *v1.PodStatus, kind v1.PodConditionType, value v1.ConditionStatus, reason, message string) {
	since, known := p.conditions[kind]
	if !known || since.Status != value {
		since = v1.PodCondition{Status: value, LastTransitionTime: meta.Now()}
		p.conditions[kind] = since
	}
	status.Conditions = append(status.Conditions, v1.PodCondition{
		Type: kind, Status: value, Reason: reason, Message: message, LastTransitionTime: since.LastTransitionTime,
		ObservedGeneration: p.object.Generation,
	})
}

// phase is as a kubelet computes it from the containers.
func (p *pod) phase() v1.PodPhase {
	running, ended, failed := 0, 0, 0
	for _, one := range p.containers {
		switch {
		case one.state.Running != nil:
			running++
		case one.state.Terminated != nil:
			ended++
			if one.state.Terminated.ExitCode != 0 {
				failed++
			}
		case one.last.Terminated == nil:
			return v1.PodPending
		default:
			ended++
			failed++
		}
	}
	switch policy := p.object.Spec.RestartPolicy; {
	case running > 0 || policy == v1.RestartPolicyAlways && !p.ending:
		return v1.PodRunning
	case failed == 0:
		return v1.PodSucceeded
	case policy == v1.RestartPolicyNever || p.ending:
		return v1.PodFailed
	default:
		return v1.PodRunning
	}
}
