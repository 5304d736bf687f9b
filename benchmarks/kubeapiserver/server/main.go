// Command server is the kube-apiserver of Kubernetes as its own main starts
// it, with one addition: a listener for whoever measures it, see
// [debug.Serve].
//
// kube-apiserver has profiles of its own behind its front door; they are not
// used because fetching them would be requests like those that are counted.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // upstream's binary has it too

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"tunelab/benchmarks/debug"
)

func main() {
	if err := debug.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(2)
	}
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
