package etcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"tunelab/harness/probe"
)

// Config says how an etcd server is run. Its String is that part of a
// benchmark's name.
type Config struct {
	Fsync bool   // false: --unsafe-no-fsync
	Disk  string // where its data lies: "tmpfs" or "disk"
}

func (c Config) String() string {
	fsync := "off"
	if c.Fsync {
		fsync = "on"
	}
	return "fsync=" + fsync + "/disk=" + c.Disk
}

// connections is how many TCP connections the clients share.
const connections = 4

// A Server is a one-member etcd in a process of its own, and clients of it.
type Server struct {
	*probe.Subject
	Clients  []*clientv3.Client // one for each connection
	config   Config
	dir      string
	endpoint string
	dial     []grpc.DialOption
}

// StartServer starts a server with an empty data folder and connects to it.
// The dial options are for the clients' connections.
func StartServer(c Config, dial ...grpc.DialOption) (*Server, error) {
	parent, err := dataFolder(c.Disk)
	if err != nil {
		return nil, err
	}
	removeLeftovers(parent)
	dir, err := os.MkdirTemp(parent, dataPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("making a data folder: %w", err)
	}
	s := &Server{config: c, dir: dir, dial: dial}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// start starts the process on what is in the data folder. A port that was free
// may be taken a moment later, so it tries more than once.
func (s *Server) start() error {
	var err error
	for range 3 {
		if err = s.startOnce(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("starting etcd: %w", err)
}

func (s *Server) startOnce() error {
	addresses, err := probe.FreeAddresses(2)
	if err != nil {
		return err
	}
	s.endpoint = addresses[0]
	client, peer := "http://"+s.endpoint, "http://127.0.0.1:0"
	args := []string{"--name=lab", "--data-dir=" + filepath.Join(s.dir, "lab.etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=lab=" + peer,
		"--heartbeat-interval=20", "--election-timeout=200", // a member alone is elected in a fifth of the time
		"--quota-backend-bytes=8589934592", "--log-level=error"}
	if !s.config.Fsync {
		args = append(args, "--unsafe-no-fsync")
	}
	subject, err := probe.StartSubject(probe.Program{
		Dir: "server", Package: ".", Args: args, Debug: "http://" + addresses[1],
		Ready: probe.Answers(client + "/readyz"),
	})
	if err != nil {
		return err
	}
	s.Subject = subject
	return s.connect()
}

func (s *Server) connect() error {
	for range connections {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.endpoint}, DialTimeout: 10 * time.Second,
			DialOptions: s.dial, Logger: zap.NewNop()})
		if err != nil {
			return errors.Join(fmt.Errorf("connecting to etcd: %w", err), s.disconnect(), s.Stop())
		}
		s.Clients = append(s.Clients, c)
	}
	return nil
}

func (s *Server) disconnect() error {
	var errs []error
	for _, c := range s.Clients {
		errs = append(errs, c.Close())
	}
	s.Clients = nil
	return errors.Join(errs...)
}

// Crash ends the server by SIGKILL and starts it again on its data. What the
// kernel had been given to write survives that, fsync or not.
func (s *Server) Crash() error {
	if err := errors.Join(s.disconnect(), s.Kill()); err != nil {
		return err
	}
	return s.start()
}

// Close ends the server and removes its data.
func (s *Server) Close() error {
	return errors.Join(s.disconnect(), s.Stop(), os.RemoveAll(s.dir))
}

// dataPrefix begins the names of data folders; the process id follows.
const dataPrefix = "tunelab-etcd-"

// dataFolder returns a folder on the kind of file system that is asked for.
// "disk" is whatever is not tmpfs.
func dataFolder(disk string) (string, error) {
	var candidates []string
	switch disk {
	case "tmpfs":
		candidates = []string{os.TempDir(), "/dev/shm"}
	case "disk":
		candidates = []string{os.TempDir(), "/var/tmp", "."}
	default:
		return "", fmt.Errorf("disk=%s: want tmpfs or disk", disk)
	}
	for _, dir := range candidates {
		memory, err := isTmpfs(dir)
		if err == nil && memory == (disk == "tmpfs") {
			return filepath.Abs(dir)
		}
	}
	return "", fmt.Errorf("no %s among %s", disk, strings.Join(candidates, ", "))
}

// removeLeftovers removes the data of processes that were killed.
func removeLeftovers(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, dataPrefix+"*"))
	for _, dir := range dirs {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dataPrefix), "-")
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); errors.Is(err, os.ErrNotExist) {
			_ = os.RemoveAll(dir) // somebody else's: then it stays
		}
	}
}
