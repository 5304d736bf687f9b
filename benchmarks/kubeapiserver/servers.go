package kubeapiserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tunelab/harness/probe"
)

// Servers are an etcd and, on top of it, the kube-apiserver that is measured.
type servers struct {
	subject *probe.Subject
	etcd    *etcd
	access  access
	dir     string          // of etcd's data, the certificate and the keys
	runs    int             // sites opened so far
	warm    map[string]bool // loads that this kube-apiserver has seen
}

// startServers starts both and returns when kube-apiserver says that it is
// ready, has settled and holds the stock. The caller stops them.
func startServers() (*servers, error) {
	dir, err := os.MkdirTemp("", "tunelab-kubeapiserver-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the servers: %w", err)
	}
	s := &servers{dir: dir, warm: map[string]bool{}}
	if s.etcd, err = startEtcd(dir); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if err := s.startSubject(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting kube-apiserver: %w", err), s.stop())
	}
	clients, err := connect(s.access, 1, protobuf)
	if err == nil {
		err = fill(context.Background(), clients[0])
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// token is the one user's password, on a server that lives for seconds.
const token = "tunelab"

func (s *servers) startSubject() error {
	addresses, err := probe.FreeAddresses(2)
	if err != nil {
		return err
	}
	key, users, err := writeCredentials(s.dir)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addresses[0])
	if err != nil {
		return err
	}
	s.access = access{url: "https://" + addresses[0], token: token}
	certificates := filepath.Join(s.dir, "certificates")
	s.subject, err = probe.StartSubject(probe.Program{
		Dir: "server", Package: ".",
		Args: []string{
			"--etcd-servers=" + s.etcd.url,
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
			"--endpoint-reconciler-type=none", // a loopback address can't be an endpoint
			"--cert-dir=" + certificates,
			"--service-cluster-ip-range=10.96.0.0/16",
			"--service-account-issuer=https://tunelab.invalid",
			"--service-account-key-file=" + key, "--service-account-signing-key-file=" + key,
			"--token-auth-file=" + users, "--authorization-mode=AlwaysAllow",
			"--disable-admission-plugins=ServiceAccount", // nobody makes service accounts here
		},
		Debug:    "http://" + addresses[1],
		Patience: patience,
		Ready: func(ctx context.Context) error {
			return s.ready(ctx, filepath.Join(certificates, "apiserver.crt"))
		},
	})
	if err != nil {
		return err
	}
	return s.settle()
}

// ready asks /readyz. The server writes its certificate when it starts, with
// the authority that signed it.
func (s *servers) ready(ctx context.Context, certificate string) error {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return err
	}
	s.access.roots = x509.NewCertPool()
	if !s.access.roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s has no certificates yet", certificate)
	}
	clients, err := connect(s.access, 1, protobuf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return readyz(ctx, clients[0])
}

func readyz(ctx context.Context, c *kubernetes.Clientset) error {
	time.Sleep(50 * time.Millisecond) // asking more often slows the start down
	_, err := c.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	return err
}

// fill makes the namespaces, and the objects that are read.
func fill(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range []string{stockNamespace, churnNamespace} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("making namespace %s: %w", name, err)
		}
	}
	for _, k := range kinds(client, stockNamespace) {
		for i := range stockSize {
			if _, err := k.create(ctx, stockName(i)); err != nil {
				return failed(err, "create", k, stockName(i))
			}
		}
	}
	return nil
}

// open opens a site of a load. The first of that load warms the server up:
// later ones, as testing's second pass with the real b.N, find it warm.
func (s *servers) open(ctx context.Context, l load, workers int) (*site, error) {
	clients, err := connect(s.access, connections, protobuf)
	if err != nil {
		return nil, err
	}
	warmups := 400
	if s.warm[l.name] {
		warmups = workers // their connections
	}
	s.warm[l.name] = true
	s.runs++
	return openSite(ctx, clients, l, workers, warmups, fmt.Sprintf("run%d", s.runs))
}

// stop ends both servers and removes their files. There is nothing to save, so
// neither is asked to shut down.
func (s *servers) stop() error {
	var errs []error
	if s.subject != nil {
		errs = append(errs, s.subject.Kill())
	}
	if s.etcd != nil {
		errs = append(errs, s.etcd.Kill())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// writeCredentials writes the key that signs service accounts' tokens, which
// the server insists on, and the file of users.
func writeCredentials(dir string) (key, users string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("encoding a key: %w", err)
	}
	key, users = filepath.Join(dir, "service-accounts.pem"), filepath.Join(dir, "users.csv")
	err = os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	// An ordinary user: members of system:masters are exempt from API priority
	// and fairness, which is a part of a request's cost.
	err = errors.Join(err, os.WriteFile(users, []byte(token+",driver,1\n"), 0o600))
	if err != nil {
		return "", "", fmt.Errorf("writing credentials: %w", err)
	}
	return key, users, nil
}
