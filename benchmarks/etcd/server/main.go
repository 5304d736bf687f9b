// Command server is etcd, the released one, with a listener for profiles and
// runtime metrics beside it: see [debug.Serve]. It takes etcd's own flags.
// Without $TUNELAB_DEBUG_ADDR it is etcd and nothing else.
//
// It is a module of its own, which does not require tunelab: or an upgrade of
// ours would change what is measured.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"

	"tunelab/benchmarks/debug"
)

func main() {
	if err := debug.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(2)
	}
	etcdmain.Main(os.Args)
}
