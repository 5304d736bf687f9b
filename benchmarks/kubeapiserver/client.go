package kubeapiserver

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// An access is how a server is reached.
type access struct {
	url   string
	roots *x509.CertPool // nil for plain HTTP
	token string
}

// Encodings that clients speak.
const (
	protobuf = "application/vnd.kubernetes.protobuf" // what Kubernetes' own components use
	jsonText = "application/json"                    // what most others use
)

// connect returns n typed clients, each with one HTTP/2 connection of its own
// (HTTP/1.1 without TLS) and without client-go's limit of requests a second.
//
// client-go shares one transport, and so one connection, among all clients
// that are configured alike; so each gets its own here. As by client-go's default, the server
// compresses answers of more than 128 KiB.
func connect(a access, n int, encoding string) ([]*kubernetes.Clientset, error) {
	clients := make([]*kubernetes.Clientset, n)
	for i := range clients {
		transport := &http.Transport{
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 64, // for HTTP/1.1
		}
		if a.roots != nil {
			transport.TLSClientConfig = &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS12}
		}
		config := &rest.Config{
			Host:           a.url,
			BearerToken:    a.token,
			Transport:      transport,
			QPS:            -1,
			UserAgent:      "tunelab",
			ContentConfig:  rest.ContentConfig{ContentType: encoding, AcceptContentTypes: encoding},
			WarningHandler: rest.NoWarnings{},
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, fmt.Errorf("making a client for %s: %w", a.url, err)
		}
		clients[i] = client
	}
	return clients, nil
}
