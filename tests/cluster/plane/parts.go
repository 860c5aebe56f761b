package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// controllers are those that run; they need nothing of a cloud, and no volumes.
var controllers = []string{
	"clusterrole-aggregation-controller", "daemonset-controller", "deployment-controller", "disruption-controller",
	"endpointslice-controller", "garbage-collector-controller", "job-controller", "namespace-controller", "node-lifecycle-controller",
	"pod-garbage-collector-controller", "replicaset-controller", "resourcequota-controller", "root-ca-certificate-publisher-controller",
	"serviceaccount-controller", "serviceaccount-token-controller", "statefulset-controller", "taint-eviction-controller",
	"validatingadmissionpolicy-status-controller",
}

// auditPolicy keeps who did what to workloads in full, and of all else who did it.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources: [{group: apps}]
- level: Metadata
`

// scraping is Prometheus's configuration; the only thing that varies is the kubeconfig.
const scraping = `global:
  scrape_interval: 5s
  scrape_timeout: 4s
  scrape_native_histograms: true
scrape_configs:
- job_name: pods
  kubernetes_sd_configs:
  - role: pod
    kubeconfig_file: %s
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: "true", action: keep}
  - {source_labels: [__meta_kubernetes_pod_phase], regex: "Succeeded|Failed", action: drop}
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], regex: "(.+)", target_label: __metrics_path__}
  - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port]
    regex: "(.+);(\\d+)"
    replacement: "$1:$2"
    target_label: __address__
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
`

// part is one server of the plane: what it is called by, and with what arguments.
type part struct {
	name      string
	arguments []string
}

func (p *plane) etcd() part {
	client, peer := p.url("http", p.ports.etcd), p.url("http", p.ports.peer)
	return part{"etcd", []string{
		"--name=plane", "--data-dir=" + p.path("etcd"), "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=plane=" + peer,
		// A plane does not outlive a power cut.
		"--unsafe-no-fsync", "--log-level=warn",
	}}
}

func (p *plane) apiserver() part {
	address := p.block.plane()
	keys := p.credentials.file
	return part{"kube-apiserver", []string{
		"--etcd-servers=" + p.url("http", p.ports.etcd), "--bind-address=" + address, "--advertise-address=" + address,
		fmt.Sprintf("--secure-port=%d", p.ports.apiserver), "--tls-cert-file=" + keys("apiserver.crt"),
		"--tls-private-key-file=" + keys("apiserver.key"), "--client-ca-file=" + keys("authority.crt"),
		"--token-auth-file=" + keys("tokens.csv"), "--authorization-mode=RBAC", "--anonymous-auth=false",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + keys("service-account.key"),
		"--service-account-signing-key-file=" + keys("service-account.key"), "--service-cluster-ip-range=10.96.0.0/16",
		// Loopback addresses are refused in Endpoints, those of the API server too.
		"--endpoint-reconciler-type=none", "--allow-privileged=true", "--profiling=false",
		"--audit-policy-file=" + p.path("audit-policy.yaml"), "--audit-log-path=" + p.path("audit.log"),
	}}
}

func (p *plane) controllerManager() part {
	keys := p.credentials.file
	return part{"kube-controller-manager", []string{
		"--kubeconfig=" + keys("system-kube-controller-manager.kubeconfig"), "--controllers=" + strings.Join(controllers, ","),
		"--use-service-account-credentials=true", "--service-account-private-key-file=" + keys("service-account.key"),
		"--root-ca-file=" + keys("authority.crt"), "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=200", "--kube-api-burst=400",
	}}
}

func (p *plane) scheduler() part {
	return part{"kube-scheduler", []string{
		"--kubeconfig=" + p.credentials.file("system-kube-scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0",
	}}
}

func (p *plane) prometheus() part {
	return part{"prometheus", []string{
		"--config.file=" + p.path("prometheus.yml"), "--storage.tsdb.path=" + p.path("prometheus"),
		fmt.Sprintf("--web.listen-address=%s:%d", p.block.plane(), p.ports.prometheus), "--log.level=warn",
	}}
}

// write writes a file of the plane.
func (p *plane) write(name, text string) error {
	return os.WriteFile(p.path(name), []byte(text), 0o600)
}

// env writes, whole or not at all, what a shell needs to use the plane.
func (p *plane) env() error {
	text := fmt.Sprintf("export KUBECONFIG='%s'\nexport PROMETHEUS_URL='%s'\nexport PATH='%s':\"$PATH\"\n",
		p.credentials.file("admin.kubeconfig"), p.url("http", p.ports.prometheus), p.options.programs)
	if err := p.write(".env", text); err != nil {
		return err
	}
	return os.Rename(p.path(".env"), p.path("env"))
}

func (p *plane) path(name string) string {
	return filepath.Join(p.options.state, name)
}

func (p *plane) url(scheme string, port int) string {
	return fmt.Sprintf("%s://%s:%d", scheme, p.block.plane(), port)
}
