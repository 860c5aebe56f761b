package main

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// proven returns when a pod was made, bound, run and removed: then every part does its work.
func (p *plane) proven(ctx context.Context) error {
	pods := p.client.CoreV1().Pods(meta.NamespaceDefault)
	seconds := int64(0)
	first := v1.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "first"},
		Spec: v1.PodSpec{
			TerminationGracePeriodSeconds: &seconds,
			Containers:                    []v1.Container{{Name: "first", Image: "first", Command: []string{"sleep", "600"}}},
		},
	}
	// Refused until the controllers have made the namespace's service account.
	if err := until(ctx, "the first pod", func() error {
		_, err := pods.Create(ctx, &first, meta.CreateOptions{})
		return err
	}); err != nil {
		return err
	}
	if err := until(ctx, "the first pod", func() error {
		seen, err := pods.Get(ctx, first.Name, meta.GetOptions{})
		if err == nil && seen.Status.Phase != v1.PodRunning {
			err = fmt.Errorf("it is %s", seen.Status.Phase)
		}
		return err
	}); err != nil {
		return err
	}
	return pods.Delete(ctx, first.Name, meta.DeleteOptions{})
}
