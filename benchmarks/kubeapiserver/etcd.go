package kubeapiserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tunelab/harness/probe"
)

// patience bounds every wait for a server.
const patience = 60 * time.Second

// An etcd is the auxiliary server that kube-apiserver keeps its objects in. It
// is the same program for all variants and never the subject.
type etcd struct {
	*probe.Subject
	url string // of its clients
}

// etcdBinary returns the path of the etcd to use: $TUNELAB_ETCD, or else
// benchmarks/etcd/server, built by the go command into the user's cache
// folder. Go's own cache makes building it again a matter of a second. What it
// is built from is all that is in it: a commit does not change it.
func etcdBinary() (string, error) {
	if path := os.Getenv("TUNELAB_ETCD"); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("building etcd: %w; set TUNELAB_ETCD to one that is built", err)
	}
	path := filepath.Join(cache, "tunelab", "etcd")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	build.Dir = filepath.Join("..", "etcd", "server")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building etcd in %s: %w; set TUNELAB_ETCD to one that is built\n%s", build.Dir, err, text)
	}
	return path, nil
}

// startEtcd starts an etcd with its data in dir and waits until it is healthy.
// It does not wait for the disk: kube-apiserver's CPU is the question here.
func startEtcd(dir string) (*etcd, error) {
	binary, err := etcdBinary()
	if err != nil {
		return nil, err
	}
	addresses, err := probe.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	url, peer := "http://"+addresses[0], "http://"+addresses[1]
	started, err := probe.StartAuxiliary(binary, probe.Program{
		Args: []string{
			"--name=aux", "--data-dir=" + filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=aux=" + peer,
		},
		Patience: patience,
		Ready:    probe.Answers(url + "/health"),
	})
	if err != nil {
		return nil, err
	}
	return &etcd{started, url}, nil
}
