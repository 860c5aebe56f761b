package kubelet

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// retry is how long a status that could not be written waits for the next try.
const retry = time.Second

// pod is one pod's life. All of it happens on one goroutine, which does what is posted to it and then reports what changed.
type pod struct {
	*kubelet
	object     *v1.Pod
	address    string
	directory  string
	began      meta.Time
	containers []*container
	inbox      chan func()
	over       chan struct{}
	ending     bool
	removed    bool
	reported   v1.Pod
	conditions map[v1.PodConditionType]v1.PodCondition
}

func newPod(k *kubelet, object *v1.Pod) *pod {
	p := &pod{
		kubelet:    k,
		object:     object,
		address:    k.Address().String(),
		directory:  filepath.Join(k.Directory, object.Namespace+"_"+object.Name+"_"+string(object.UID)),
		inbox:      make(chan func(), 16),
		over:       make(chan struct{}),
		conditions: map[v1.PodConditionType]v1.PodCondition{},
	}
	for number := range object.Spec.Containers {
		p.containers = append(p.containers, newContainer(p, object.Spec.Containers[number]))
	}
	return p
}

// post has something done on the pod's goroutine; after the pod's end nothing is done.
func (p *pod) post(what func()) {
	select {
	case p.inbox <- what:
	case <-p.over:
	}
}

// after posts something later.
func (p *pod) after(delay time.Duration, what func()) {
	time.AfterFunc(delay, func() { p.post(what) })
}

// live runs the pod until it is removed.
func (p *pod) live() {
	defer close(p.over)
	p.began = meta.Now()
	if err := os.MkdirAll(p.directory, 0o700); err != nil {
		p.event(v1.EventTypeWarning, "FailedCreatePodSandBox", "", err.Error())
	}
	if p.object.DeletionTimestamp == nil {
		for _, one := range p.containers {
			one.pull()
		}
	}
	for !p.removed {
		p.report()
		(<-p.inbox)()
	}
}

// update takes what the API server says of the pod.
func (p *pod) update(object *v1.Pod) {
	p.object = object
	if object.DeletionTimestamp == nil || p.ending {
		return
	}
	p.ending = true
	grace := 30 * time.Second
	if object.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*object.DeletionGracePeriodSeconds) * time.Second
	}
	for _, one := range p.containers {
		one.stop(grace)
	}
	p.removeIfEnded()
}

// kill ends a pod whose object is gone.
func (p *pod) kill() {
	p.ending, p.removed = true, true
	for _, one := range p.containers {
		one.stop(0)
	}
}

// removeIfEnded removes the object of an ending pod once nothing of it runs.
func (p *pod) removeIfEnded() {
	if !p.ending || p.removed || p.runs() {
		return
	}
	p.report()
	now := int64(0)
	err := p.Client.CoreV1().Pods(p.object.Namespace).Delete(context.Background(), p.object.Name, meta.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      &meta.Preconditions{UID: &p.object.UID},
	})
	if err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) {
		p.after(retry, p.removeIfEnded)
	}
}

func (p *pod) runs() bool {
	for _, one := range p.containers {
		if one.run != nil {
			return true
		}
	}
	return false
}

// report writes the pod's status where it changed. What others own of it, such as the scheduler's condition, is left alone.
func (p *pod) report() {
	if p.removed {
		return
	}
	now := v1.Pod{ObjectMeta: meta.ObjectMeta{UID: p.object.UID}, Status: p.status()}
	if equality.Semantic.DeepEqual(p.reported.Status, now.Status) {
		return
	}
	patch, err := difference(p.reported, now)
	if err == nil {
		_, err = p.Client.CoreV1().Pods(p.object.Namespace).Patch(context.Background(), p.object.Name, types.StrategicMergePatchType, patch,
			meta.PatchOptions{}, "status")
	}
	switch {
	case err == nil:
		p.reported = v1.Pod{Status: now.Status}
	case errors.IsNotFound(err) || errors.IsConflict(err):
		// It is gone, or another of its name is there: the watch will say so.
	default:
		p.after(retry, func() {})
	}
}

// difference is the patch from what was reported to what is now, with the pod's uid, so that it never meets another pod of its name.
func difference(reported, now v1.Pod) ([]byte, error) {
	old, err := json.Marshal(reported)
	if err != nil {
		return nil, err
	}
	new, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(old, new, v1.Pod{})
}

// event records one about the pod, or about a container of it.
func (p *pod) event(kind, reason, container, message string) {
	about := v1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: p.object.Namespace, Name: p.object.Name, UID: p.object.UID,
	}
	if container != "" {
		about.FieldPath = "spec.containers{" + container + "}"
	}
	p.events.Event(&about, kind, reason, message)
}
