package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/metrics"
	"time"
)

// A reading is the subject's state at one end of a window.
type reading struct {
	cpu     time.Duration
	runtime runtimeReading
	err     error
}

// windowMetrics is what happened between two readings.
func windowMetrics(before, after reading, requests int) []metric {
	var ms []metric
	add := func(value float64, unit string) { ms = append(ms, metric{clean(value), "subject-" + unit}) }
	if requests > 0 {
		add(float64(after.cpu-before.cpu)/float64(requests), "cpu-ns/req")
	}
	r0, r1 := before.runtime, after.runtime
	if len(r0.numbers) == 0 || len(r1.numbers) == 0 {
		return ms
	}
	grown := func(name string) float64 { return clean(r1.numbers[name] - r0.numbers[name]) }
	add(share(grown(runtimeNames[gcCPU]), grown(runtimeNames[totalCPU])), "GC-CPU-share")
	add(grown(runtimeNames[gcCycles]), "GC-cycles")
	add(r1.numbers["/memory/classes/heap/stacks:bytes"], "stack-bytes")
	add(r1.numbers[runtimeNames[heapLive]], "heap-bytes")
	if requests > 0 {
		add(grown(runtimeNames[mutexWait])*1e9/float64(requests), "mutex-wait-ns/req")
	}
	waits := delta(r0.histograms[runtimeNames[schedLatencies]], r1.histograms[runtimeNames[schedLatencies]])
	if p99, ok := quantile(waits, 0.99); ok {
		add(p99*1e9, "sched-p99-ns")
	}
	return ms
}

// A runtimeReading is one reading of a subject's runtime metrics; empty where
// it has none.
type runtimeReading struct {
	numbers    map[string]float64
	histograms map[string]*metrics.Float64Histogram
}

// debugClient goes straight to the subject, whatever proxy the environment names.
var debugClient = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil}}

// Expvar reads one of the subject's expvars, as encoding/json decodes it.
func (s *Subject) Expvar(name string, into any) error {
	resp, err := debugClient.Get(s.debug + "/debug/vars")
	if err != nil {
		return fmt.Errorf("asking the subject for its expvars: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the subject for its expvars: %s", resp.Status)
	}
	var all map[string]json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return fmt.Errorf("reading the subject's expvars: %w", err)
	}
	value, ok := all[name]
	if !ok {
		return fmt.Errorf("the subject has no expvar %q", name)
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("reading the subject's expvar %q: %w", name, err)
	}
	return nil
}

// readRuntime asks the subject for its runtime metrics.
func (s *Subject) readRuntime() (runtimeReading, error) {
	if s.debug == "" {
		return runtimeReading{}, nil
	}
	var raw map[string]json.RawMessage
	if err := s.Expvar("runtime", &raw); err != nil {
		return runtimeReading{}, err
	}
	return parseRuntime(raw)
}

func parseRuntime(raw map[string]json.RawMessage) (runtimeReading, error) {
	r := runtimeReading{numbers: map[string]float64{}, histograms: map[string]*metrics.Float64Histogram{}}
	for name, text := range raw {
		var number float64
		if json.Unmarshal(text, &number) == nil {
			r.numbers[name] = number
			continue
		}
		h := new(metrics.Float64Histogram) // its fields' names in any case
		if err := json.Unmarshal(text, h); err != nil || len(h.Buckets) != len(h.Counts)+1 {
			return runtimeReading{}, fmt.Errorf("the subject's runtime metric %s is neither a number nor a histogram", name)
		}
		for i, bound := range h.Buckets {
			if math.Abs(bound) == math.MaxFloat64 {
				h.Buckets[i] = math.Inf(int(math.Copysign(1, bound)))
			}
		}
		r.histograms[name] = h
	}
	return r, nil
}

// A capture is a profile being taken by the subject.
//
// What the runtime adds up from the program's start on, for mutexes, blocking
// and the heap, is asked for at both ends of the window. Leaked goroutines are
// looked for at its end.
//
// A CPU profile has to run. The length of a window is not known when it begins, and net/http/pprof wants
// it in the request. So a capture asks for a day, and at the end closes its
// half of the connection: the handler then sees the request's context end,
// stops the profile, and still has the other half to send it. That covers the
// window exactly, in one profile, of any program with the standard handlers.
type capture struct {
	conn   *net.TCPConn // of a CPU profile
	debug  string
	kind   string
	before []byte // what had added up when the window began
	err    error
}

const profileSeconds = 24 * 60 * 60

func startCapture(debug, kind string) *capture {
	c := &capture{debug: debug, kind: kind}
	if debug == "" {
		c.err = fmt.Errorf("$%s is set, but the driver names no debug listener", profileVar)
		return c
	}
	switch kind {
	case "", "cpu":
	case "goroutineleak":
		return c
	case "mutex", "block", "heap":
		c.before, c.err = c.read()
		return c
	default:
		c.err = fmt.Errorf("$%s: there is no kind of profile %q", profileKindVar, kind)
		return c
	}
	base, err := url.Parse(debug)
	if err != nil {
		c.err = fmt.Errorf("the debug listener's address: %w", err)
		return c
	}
	conn, err := net.DialTimeout("tcp", base.Host, 10*time.Second)
	if err != nil {
		c.err = err
		return c
	}
	c.conn = conn.(*net.TCPConn)
	_, c.err = fmt.Fprintf(c.conn, "GET %s/debug/pprof/profile?seconds=%d HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
		base.Path, profileSeconds, base.Host)
	return c
}

// read asks the subject for a profile that has added up so far.
func (c *capture) read() ([]byte, error) {
	resp, err := debugClient.Get(c.debug + "/debug/pprof/" + c.kind)
	if err != nil {
		return nil, err
	}
	return profileIn(resp)
}

// profileIn reads a profile from an answer.
func profileIn(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	profile, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", resp.Status, profile)
	case len(profile) == 0:
		return nil, errors.New("the subject sent an empty profile")
	}
	return profile, nil
}

// save ends the profile and writes it to a file, whole or not at all; and what
// had added up before the window to file.begin.
func (c *capture) save(file string) error {
	if c.conn != nil {
		defer c.conn.Close()
	}
	if c.err != nil {
		return c.err
	}
	if c.conn == nil {
		profile, err := c.read()
		if err == nil && c.before != nil {
			err = os.WriteFile(file+".begin", c.before, 0o644)
		}
		if err != nil {
			return err
		}
		return writeWhole(file, profile)
	}
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second)) // can't fail on an open connection
	if err := c.conn.CloseWrite(); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c.conn), nil)
	if err != nil {
		return err
	}
	profile, err := profileIn(resp)
	if err != nil {
		return err
	}
	return writeWhole(file, profile)
}

// writeWhole writes a file that is whole or absent.
func writeWhole(file string, text []byte) error {
	if err := os.WriteFile(file+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}
