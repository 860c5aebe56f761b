package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// everything is the group that may do everything.
const everything = "system:masters"

// user is one that the API server knows by a token.
type user struct {
	name   string
	groups []string
	token  string
}

// parseUser reads NAME or NAME=GROUP,GROUP.
func parseUser(text string) (user, error) {
	name, groups, _ := strings.Cut(text, "=")
	if name == "" || strings.ContainsAny(text, "/\"\n") {
		return user{}, fmt.Errorf("%q is no user: NAME or NAME=GROUP,GROUP", text)
	}
	one := user{name: name}
	if groups != "" {
		one.groups = strings.Split(groups, ",")
	}
	return one, nil
}

// credentials are the plane's own: its authority, its certificate, the key of service accounts, and its users' tokens, all below directory.
type credentials struct {
	directory string
	address   string
	authority []byte
	users     map[string]user
}

func (c *credentials) file(name string) string {
	return filepath.Join(c.directory, name)
}

// makeCredentials writes those of a plane that answers at address.
func makeCredentials(directory, address string, users []user) (*credentials, error) {
	made := &credentials{directory: directory, address: address, users: map[string]user{}}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	if err := made.certificates(); err != nil {
		return nil, err
	}
	if _, err := made.key("service-account.key"); err != nil {
		return nil, err
	}
	var lines strings.Builder
	for number, one := range users {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		one.token = hex.EncodeToString(random)
		made.users[one.name] = one
		fmt.Fprintf(&lines, "%s,%s,%d,%q\n", one.token, one.name, number, strings.Join(one.groups, ","))
	}
	return made, os.WriteFile(made.file("tokens.csv"), []byte(lines.String()), 0o600)
}

func (c *credentials) certificates() error {
	key, err := c.key("authority.key")
	if err != nil {
		return err
	}
	template := x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "authority of one plane"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if c.authority, err = c.certificate("authority.crt", &template, &template, key, key); err != nil {
		return err
	}
	serving, err := c.key("apiserver.key")
	if err != nil {
		return err
	}
	_, err = c.certificate("apiserver.crt", &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "kube-apiserver"},
		NotBefore:    template.NotBefore,
		NotAfter:     template.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		// 127.0.0.1 too: a proxy that a test puts before the API server answers there.
		IPAddresses: []net.IP{net.ParseIP(c.address), net.IPv4(127, 0, 0, 1)},
	}, &template, serving, key)
	return err
}

func (c *credentials) certificate(name string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return text, os.WriteFile(c.file(name), text, 0o600)
}

func (c *credentials) key(name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(c.file(name), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// kubeconfig writes that of a user for the API server at a port, and tells where it lies.
func (c *credentials) kubeconfig(name string, port int) (string, error) {
	const text = `apiVersion: v1
kind: Config
current-context: plane
clusters:
- name: plane
  cluster:
    server: https://%s:%d
    certificate-authority-data: %s
users:
- name: %[4]q
  user: {token: %[5]s}
contexts:
- name: plane
  context: {cluster: plane, user: %[4]q, namespace: default}
`
	path := c.file(strings.ReplaceAll(name, ":", "-") + ".kubeconfig")
	authority := base64.StdEncoding.EncodeToString(c.authority)
	return path, os.WriteFile(path, fmt.Appendf(nil, text, c.address, port, authority, name, c.users[name].token), 0o600)
}
