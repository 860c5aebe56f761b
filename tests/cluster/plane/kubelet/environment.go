package kubelet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// named is the pod as kubelets name it in their messages.
func (p *pod) named() string {
	return fmt.Sprintf("%s_%s(%s)", p.object.Name, p.object.Namespace, p.object.UID)
}

// command is the container's process, not started. An error is what a container meets that names something absent.
func (c *container) command() (*exec.Cmd, error) {
	environment := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": c.pod.directory, "HOSTNAME": c.pod.object.Name, "IMAGE": c.spec.Image,
		"POD_NAME": c.pod.object.Name, "POD_NAMESPACE": c.pod.object.Namespace, "POD_IP": c.pod.address,
	}
	for _, source := range c.spec.EnvFrom {
		if err := c.pod.all(source, environment); err != nil {
			return nil, err
		}
	}
	for _, one := range c.spec.Env {
		value, err := expand(one.Value, environment), error(nil)
		if one.ValueFrom != nil {
			value, err = c.pod.value(*one.ValueFrom)
		}
		if err != nil {
			return nil, err
		}
		environment[one.Name] = value
	}
	var words []string
	for _, word := range append(append([]string{}, c.spec.Command...), c.spec.Args...) {
		words = append(words, expand(word, environment))
	}
	command, err := c.program(words, environment)
	if err != nil {
		return nil, err
	}
	command.Dir = c.pod.directory
	if c.spec.WorkingDir != "" {
		command.Dir = c.spec.WorkingDir
	}
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	return command, nil
}

// program is the container's own, or the demo service where it has none.
func (c *container) program(words []string, environment map[string]string) (*exec.Cmd, error) {
	if len(c.spec.Command) == 0 {
		return c.service(words, environment["BEHAVIOR"])
	}
	return exec.Command(words[0], words[1:]...), nil
}

// value is what a variable is taken from.
func (p *pod) value(from v1.EnvVarSource) (string, error) {
	switch {
	case from.FieldRef != nil:
		return p.field(from.FieldRef.FieldPath)
	case from.ConfigMapKeyRef != nil:
		data, err := p.configMap(from.ConfigMapKeyRef.Name)
		return one("configmap", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key, data, err, from.ConfigMapKeyRef.Optional)
	case from.SecretKeyRef != nil:
		data, err := p.secret(from.SecretKeyRef.Name)
		return one("secret", from.SecretKeyRef.Name, from.SecretKeyRef.Key, data, err, from.SecretKeyRef.Optional)
	}
	return "", fmt.Errorf("this stand-in for a kubelet does not read such a variable")
}

// one is a key's value, in the words in which a kubelet misses it.
func one(kind, name, key string, data map[string]string, err error, optional *bool) (string, error) {
	if may := optional != nil && *optional; may && (err == nil || errors.IsNotFound(err)) {
		return data[key], nil
	}
	if errors.IsNotFound(err) {
		return "", fmt.Errorf("%s %q not found", kind, name)
	}
	if err != nil {
		return "", err
	}
	value, found := data[key]
	if !found {
		return "", fmt.Errorf("couldn't find key %s in %s %s", key, kind, name)
	}
	return value, nil
}

// all adds every key of a source.
func (p *pod) all(source v1.EnvFromSource, environment map[string]string) error {
	var data map[string]string
	var err error
	var optional *bool
	kind, name := "", ""
	switch {
	case source.ConfigMapRef != nil:
		kind, name, optional = "configmap", source.ConfigMapRef.Name, source.ConfigMapRef.Optional
		data, err = p.configMap(name)
	case source.SecretRef != nil:
		kind, name, optional = "secret", source.SecretRef.Name, source.SecretRef.Optional
		data, err = p.secret(name)
	}
	if errors.IsNotFound(err) {
		if optional != nil && *optional {
			return nil
		}
		return fmt.Errorf("%s %q not found", kind, name)
	}
	for key, value := range data {
		environment[source.Prefix+key] = value
	}
	return err
}

func (p *pod) configMap(name string) (map[string]string, error) {
	found, err := p.Client.CoreV1().ConfigMaps(p.object.Namespace).Get(context.Background(), name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	return found.Data, nil
}

func (p *pod) secret(name string) (map[string]string, error) {
	found, err := p.Client.CoreV1().Secrets(p.object.Namespace).Get(context.Background(), name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for key, value := range found.Data {
		data[key] = string(value)
	}
	return data, nil
}

// field is one of the pod's own, by its path.
func (p *pod) field(path string) (string, error) {
	fixed := map[string]string{
		"metadata.name": p.object.Name, "metadata.namespace": p.object.Namespace, "metadata.uid": string(p.object.UID),
		"spec.nodeName": p.object.Spec.NodeName, "spec.serviceAccountName": p.object.Spec.ServiceAccountName,
		"status.podIP": p.address, "status.podIPs": p.address, "status.hostIP": p.Host, "status.hostIPs": p.Host,
	}
	if value, found := fixed[path]; found {
		return value, nil
	}
	for prefix, values := range map[string]map[string]string{
		"metadata.labels['": p.object.Labels, "metadata.annotations['": p.object.Annotations,
	} {
		if key, found := strings.CutPrefix(path, prefix); found {
			return values[strings.TrimSuffix(key, "']")], nil
		}
	}
	return "", fmt.Errorf("unsupported field path %q", path)
}

// expand replaces $(NAME) where NAME is known, and $$ by $.
func expand(text string, environment map[string]string) string {
	var expanded strings.Builder
	for {
		at := strings.IndexByte(text, '$')
		if at < 0 || at+1 == len(text) {
			return expanded.String() + text
		}
		expanded.WriteString(text[:at])
		rest := text[at+1:]
		end := strings.IndexByte(rest, ')')
		switch {
		case rest[0] == '$':
			expanded.WriteByte('$')
			text = rest[1:]
			continue
		case rest[0] == '(' && end > 0:
			if value, known := environment[rest[1:end]]; known {
				expanded.WriteString(value)
			} else {
				expanded.WriteString("$" + rest[:end+1])
			}
			text = rest[end+1:]
			continue
		}
		expanded.WriteByte('$')
		text = rest
	}
}
