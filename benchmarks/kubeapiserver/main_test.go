package kubeapiserver

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"
)

// server is started by whoever needs it first and kept: its start costs more
// than everything else that a trial does.
var server struct {
	sync.Mutex
	*servers
	err error
}

func TestMain(m *testing.M) {
	// A live heap of 4 MB would be collected 150 times in ten seconds, on the
	// CPU that etcd needs.
	debug.SetGCPercent(800)
	code := m.Run()
	if server.servers != nil {
		if err := server.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// theServers returns the servers of this process. Where no kube-apiserver is
// built, and nobody asked for one to be, it skips.
func theServers(tb testing.TB) *servers {
	tb.Helper()
	if os.Getenv("TUNELAB_SUBJECT") == "" && os.Getenv("TUNELAB_KUBEAPISERVER") != "build" {
		tb.Skip("needs a kube-apiserver: set TUNELAB_SUBJECT to one built in ./server, or TUNELAB_KUBEAPISERVER=build to have it built here, which takes minutes")
	}
	server.Lock()
	defer server.Unlock()
	if server.servers == nil && server.err == nil {
		server.servers, server.err = startServers()
	}
	if server.err != nil {
		tb.Fatal(server.err)
	}
	return server.servers
}
