package kubeapiserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// patience bounds every wait for a server.
const patience = 60 * time.Second

// An etcd is the auxiliary server that kube-apiserver keeps its objects in. It
// is the same program for all variants and never the subject.
type etcd struct {
	url    string // of its clients
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	output *tail
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
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	e := &etcd{url: "http://" + ports[0], ended: make(chan struct{}), output: new(tail)}
	peer := "http://" + ports[1]
	e.cmd = exec.Command(binary,
		"--name=aux", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+e.url, "--advertise-client-urls="+e.url,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=aux="+peer)
	e.cmd.Env = cleanEnv()
	e.cmd.Stdout, e.cmd.Stderr = e.output, e.output
	bindToParent(e.cmd)
	started := make(chan error, 1)
	go func() {
		// Never unlocked: the signal comes when the thread that forked ends.
		runtime.LockOSThread()
		err := e.cmd.Start()
		started <- err
		if err == nil {
			_ = e.cmd.Wait() // it ends by being killed
			close(e.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	if err := e.awaitHealth(); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

// cleanEnv is this process's environment without what is meant for the Go
// runtime of the subject.
func cleanEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (e *etcd) awaitHealth() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/health", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-e.ended:
			return fmt.Errorf("etcd ended before it was healthy:\n%s", e.output)
		case <-ctx.Done():
			return fmt.Errorf("etcd was not healthy within %v:\n%s", patience, e.output)
		}
	}
}

// stop kills it: its data is thrown away.
func (e *etcd) stop() error {
	if err := e.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping etcd: %w", err)
	}
	<-e.ended
	return nil
}

// freePorts returns n loopback addresses on which nobody listens at the moment.
func freePorts(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close() // at the end, so that they differ
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}

// A tail keeps the last 4 KiB that were written to it.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.Write(p)
	if extra := t.kept.Len() - 4<<10; extra > 0 {
		t.kept.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.String()
}
