package kubeapiserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"tunelab/harness/probe"
)

const (
	// saturating is how many clients ask at once, each without a pause.
	saturating = 16
	// openWorkers is how many requests an open loop can have under way.
	openWorkers = 64
)

// rates are the requests a second of the open loops: a third to a half of what
// one CPU of a small virtual machine can serve.
var rates = map[string]int{"get": 300, "list": 40, "write": 100, "watch": 50, "mixed": 150}

// BenchmarkAPIServer puts a load on kube-apiserver: see the package comment.
func BenchmarkAPIServer(b *testing.B) {
	for _, l := range loads() {
		b.Run("load="+l.name, func(b *testing.B) {
			b.Run("rate=max", func(b *testing.B) { underLoad(b, l, saturating, 0) })
			b.Run("rate="+strconv.Itoa(rates[l.name]), func(b *testing.B) { underLoad(b, l, openWorkers, float64(rates[l.name])) })
		})
	}
}

// underLoad makes b.N requests: at a fixed rate, or at 0 as fast as they go.
func underLoad(b *testing.B, l load, workers int, perSecond float64) {
	s := theServers(b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	at, err := s.open(ctx, l, workers)
	if err != nil {
		b.Fatal(err)
	}
	var measured probe.Load
	var events int64
	s.subject.Begin()
	m := probe.Start(b)
	if perSecond > 0 {
		measured.Latencies = probe.NewRecorder(workers)
		measured.Schedule, err = at.openLoop(ctx, b.N, perSecond, measured.Latencies)
	} else {
		err = at.closedLoop(ctx, b.N)
	}
	if err == nil {
		events, err = at.awaitEvents(10 * time.Second)
	}
	m.Stop()
	if err := errors.Join(err, at.err()); err != nil {
		b.Fatal(err)
	}
	s.subject.End(b, b.N)
	m.Report(measured)
	b.ReportMetric(float64(b.N)/m.Elapsed().Seconds(), "req/s")
	if l.watchers > 0 {
		b.ReportMetric(float64(events)/m.Elapsed().Seconds(), "events/s")
	}
	b.ReportMetric(float64(s.subject.BinaryBytes()), "binary-bytes")
	if err := at.close(ctx); err != nil {
		b.Fatal(fmt.Errorf("cleaning up: %w", err))
	}
}
