// Package kubeapiserver asks: what is a profile worth to kube-apiserver's
// build?
//
// The article that the lab re-tests says that it cut CPU time per request from
// 12.7 to 9.2 ms, by 27.6 %. Here the subject is the real kube-apiserver, of
// Kubernetes v1.37.2, built in the folder server, and a real client,
// k8s.io/client-go, drives it over TLS and HTTP/2:
//
//	APIServer/load=L/rate=R
//
// b.N is the number of requests: calls of the API that were answered. The
// loads, all of them of ConfigMaps and Pods by turns:
//
//	get    reads one of 100
//	list   reads all 100 of a kind: 150 KB of ConfigMaps, 270 KB of Pods
//	write  creates an object, patches it, deletes it
//	watch  patches while 16 watches look on, half of them for each kind
//	mixed  of 20 requests 9 get, 9 write and 2 list, with 4 watches
//
// With rate=max 16 clients ask without a pause. It says what a request costs,
// and nothing about latency. With a number the requests come in an open loop,
// so many a second, and latency counts from when each should have begun.
//
// How a trial goes:
//
//  1. The first benchmark of the process starts an etcd and the subject, waits
//     for /readyz and until the subject is at rest, and makes the objects that
//     are read. Both servers are kept for the whole process, and TestMain ends
//     them. This takes 3 to 5 seconds of every trial, so a slice below 4
//     seconds spends most of its time on it.
//  2. A site is opened: namespaces, workers, and 400 requests to warm the
//     server up. testing's second pass, with the real b.N, finds it warm.
//  3. The watches begin. Each starts from a list's resource version, so no
//     event is missed between the two.
//  4. Begin of the subject's window, the load, then the wait until every watch
//     has seen every event; End of the window.
//  5. Every answer is looked at: its name, its size, the step that was
//     patched. Events must grow in resource version and be as many as the
//     writes made. One that is missing, repeated or out of order fails the
//     trial, as does any request that fails.
//  6. The watches end, and what a worker left in the middle is deleted.
//
// The metrics, beside those of tunelab/harness/probe:
//
//	subject-cpu-ns/req      the subject's CPU time, user and system, in the
//	                        window ÷ requests: the claim's own metric
//	req/s                   requests answered a second; events that were
//	                        waited for are in the time
//	events/s                events delivered a second, all watches together
//	p50-ns p99-ns           from the intended start to the answer (open loops)
//	binary-bytes            size of the subject's executable
//	subject-peak-RSS-bytes  its largest resident set in the window
//	subject-stack-bytes     its goroutines' stacks at the window's end
//
// To run it by hand, with a server that is built once:
//
//	(cd server && CGO_ENABLED=0 go build -o /tmp/kube-apiserver .)
//	TUNELAB_SUBJECT=/tmp/kube-apiserver go test -bench 'load=mixed'
//
// The build takes some six minutes on two CPUs, so without $TUNELAB_SUBJECT
// what needs it is skipped, unless TUNELAB_KUBEAPISERVER=build asks for it.
// The etcd is benchmarks/etcd/server, or $TUNELAB_ETCD. It is the same program
// for every variant.
//
// Before anything is measured every build passes TestCorrect. That the check
// finds lies is shown by putting them in front of a small fake server, always,
// and in front of the real one where there is one.
//
// # How naive versions lie
//
// Wall time under a saturated generator measures the generator. CPU time per
// request is the subject's own clock, and the subject has a CPU of its own.
// With two CPUs the clients and etcd are on the other one and may be what
// limits req/s: then a verdict on that is a lower bound of what the build
// changed.
//
// Training on what is scored shows the best case only; so one variant is
// trained on another load. A build with any profile differs in inlining and in
// where functions lie; so one variant has another program's profile, and one no
// profile and its functions in another order.
//
// CPU time per request depends on the rate. At a few requests a second the
// server's own work (leases, controllers, collections) and its waking up are a
// large part: 300 gets a second cost twice as much each as 1,500 do. So verdicts
// on it are for rate=max.
//
// etcd does not wait for the disk here, and its CPU time is not counted. A
// server that waits for a disk costs the same per request and shows less of a
// gain in latency.
//
// client-go sends all clients of one configuration through one connection, and
// limits each to 5 requests a second. Here there are four connections and no
// limit. The user is an ordinary one, because members of system:masters are
// exempt from API priority and fairness.
//
// What is left out: authorization is AlwaysAllow, there are no webhooks, no
// custom resources, no audit log, no service accounts, and no other component
// of a cluster. Each would add to what a request costs, and nothing here says
// that a profile is worth the same for it.
package kubeapiserver
