package main

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fake marks the nodes that kwok plays. Only pods that tolerate it are bound there, so that no other ever runs as nothing.
const fake = "kwok.x-k8s.io/node"

// kwok starts kwok and makes its nodes.
func (p *plane) kwok(ctx context.Context) error {
	if err := p.start(part{"kwok", []string{
		"--kubeconfig=" + p.credentials.file("admin.kubeconfig"), "--config=" + p.options.programs + "/kwok-stages.yaml",
		"--manage-nodes-with-annotation-selector=" + fake + "=fake", "--node-lease-duration-seconds=40",
		fmt.Sprintf("--server-address=%s:%d", p.block.plane(), p.ports.kwok), fmt.Sprintf("--node-port=%d", p.ports.kwok),
	}}); err != nil {
		return err
	}
	for number := range p.options.kwok {
		name := fmt.Sprintf("kwok-%d", number+1)
		_, err := p.client.CoreV1().Nodes().Create(ctx, &v1.Node{
			ObjectMeta: meta.ObjectMeta{
				Name:        name,
				Annotations: map[string]string{fake: "fake"},
				Labels:      map[string]string{v1.LabelHostname: name, v1.LabelOSStable: "linux", "type": "kwok"},
			},
			Spec: v1.NodeSpec{Taints: []v1.Taint{{Key: fake, Value: "fake", Effect: v1.TaintEffectNoSchedule}}},
		}, meta.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}
