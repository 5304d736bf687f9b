package calibrate

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"tunelab/harness/internal/process"
)

// neighbourVar has this program be the neighbour: "0.5,7" for half of a CPU, by the random numbers of seed 7.
const neighbourVar = "TUNELAB_NEIGHBOUR"

// burst is the mean length of a neighbour's busy period.
const burst = 20 * time.Millisecond

// NeighbourIfAsked makes this process a neighbour if [StartNeighbour] started it as one; it then returns true when the
// process that did so is gone. A program that starts neighbours calls it first of all and ends when it returns true.
func NeighbourIfAsked() bool {
	text := os.Getenv(neighbourVar)
	if text == "" {
		return false
	}
	dutyText, seedText, _ := strings.Cut(text, ",")
	duty, err := strconv.ParseFloat(dutyText, 64)
	seed, err2 := strconv.ParseUint(seedText, 10, 64)
	if err != nil || err2 != nil || !(duty > 0 && duty <= 1) {
		fmt.Fprintf(os.Stderr, "$%s is %q, not a duty in (0, 1] and a seed\n", neighbourVar, text)
		os.Exit(2)
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // ends when whoever started us does
		close(ended)
	}()
	disturb(duty, rand.New(rand.NewPCG(seed, 1)), ended)
	return true
}

// disturb keeps a CPU and some of its cache busy for that share of the time, in periods of random length.
func disturb(duty float64, r *rand.Rand, ended <-chan struct{}) {
	memory := make([]uint64, 1<<20)
	x := uint64(1)
	for {
		for began, length := time.Now(), time.Duration(r.ExpFloat64()*float64(burst)); time.Since(began) < length; {
			for range 1000 {
				x = x*6364136223846793005 + 1442695040888963407
				memory[x>>44]++
			}
		}
		pause := time.Duration(r.ExpFloat64() * float64(burst) * (1 - duty) / duty)
		select {
		case <-ended:
			return
		case <-time.After(pause):
		}
	}
}

// StartNeighbour starts a process that takes duty of a CPU, in (0, 1], in bursts drawn from seed, until stop is called
// or this process ends. With a duty of 0 there is none. Stop returns the share of a CPU that it took, and an error when it
// had ended before.
func StartNeighbour(duty float64, seed uint64) (stop func() (took float64, err error), err error) {
	if duty == 0 {
		return func() (float64, error) { return 0, nil }, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the neighbour: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%v,%d", neighbourVar, duty, seed))
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting the neighbour: %w", err)
	}
	done := process.Spare(cmd.Process.Pid) // a run would end it as something that a trial has left
	began := time.Now()
	return func() (float64, error) {
		pipe.Close()
		err := cmd.Wait()
		done()
		if err != nil {
			return 0, fmt.Errorf("the neighbour did not live to the end: %w", err)
		}
		return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() / time.Since(began).Seconds(), nil
	}, nil
}
