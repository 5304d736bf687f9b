// Package statemachine asks: what does it cost to hold a saga's state in a
// goroutine and a channel, and what do an actor, a mutex, a pool and atomics
// save?
//
// A saga is a transaction of four steps, each taken by another service (a
// participant). If one is refused, those before it are compensated for in
// reverse order. A call that times out is repeated with the same key, up to
// three times, and a compensation until it is done.
//
// The data goes through the package in this order:
//
//  1. A [Coordinator] is told to begin a transaction and makes the [Call] of
//     the first step ([Outside]).
//
//  2. [Participants] decide its fate, wait as long as a call costs, and deliver
//     a [Reply]; or a time-out, and perhaps the answer long after it, when the
//     object behind the transaction is another's.
//
//  3. The coordinator moves the transaction's [State] on and makes the next
//     call, or says how it ended. Only this differs, the name part impl=…:
//
//     channel       a goroutine and a channel for each transaction (the base)
//     actor         four goroutines, each with a channel and a map of states
//     mutex         an object with a lock for each transaction
//     pool-pointer  an object of a sync.Pool with an atomic.Pointer
//     pool-value    an object of a sync.Pool with an atomic.Value: the article
//     cas           an object of a sync.Pool with one packed word
//
//  4. Every benchmark notes when each transaction began and ended.
//
// The benchmarks; b.N is the number of transactions:
//
//	Saga/impl=X/cost=C/rate=R
//	    An open loop; latency from the intended start. Besides the costs that
//	    the article's question needs there is cost=10ms, at which the number of
//	    transactions under way is large enough to be seen.
//	SagaSaturated/impl=X/cost=C/inflight=F
//	    F transactions under way, the next begins when one ends: throughput,
//	    no latency, because in a closed loop that is F ÷ throughput.
//	SagaProfile/impl=X/cost=0/inflight=F
//	    The same under the CPU profiler, whose signals cost something.
//	Complexity/impl=X
//	    Counts the code.
//
// The metrics beside those of tunelab/harness/probe:
//
//	tx/s                transactions ended a second, from the first to the last end
//	peak-goroutines     most goroutines of the process, seen at each beginning; at least 5
//	littles-goroutines  arrivals a second × mean seconds of residence (Little's law)
//	peak-tx             most transactions under way at a time
//	left-goroutines     goroutines left after all has ended; not 0 is a leak
//	chansend-share      part of the CPU samples with runtime.chansend1 on the stack, 0 to 1
//	channel-share       the same for any channel operation
//	lock-share          the same for a lock that the variant's own code calls
//	profile-samples     how many samples there were: 100 a second and CPU
//	code-lines          lines of code of the variant, exact
//	cyclomatic          McCabe's number, summed over its functions, exact
//	functions           its functions, exact
//
// # What a step costs
//
// Cost is residence: the time until a participant's answer, not CPU time. A
// saga waits for other services, and 10,000 transactions a second with four
// steps of 100 µs of CPU need four cores for the steps alone. The wait is
// polled and so not shorter than the cost, and some tens of microseconds longer
// when cores are few: the same for all variants.
//
// # Little's law
//
// A goroutine for each transaction means as many goroutines as there are
// transactions under way, and that is arrival rate × residence, whatever the
// primitive. The article's 230,000 goroutines at 120,000 transactions a second
// say that one took 1.9 s. Its cure has no goroutine per transaction; how many
// percent that saves is rate × residence again. So the ratio of a case is one
// of that case, and not of a machine.
//
// # How naive versions lie
//
// Without work in the steps channels look terrible: hence the sweep of costs.
//
// A pooled object that is reused while an answer is on its way to its former
// owner mixes up two transactions (ABA). Each object has a generation, the
// tests inject late answers, and show that the check refuses variants which
// don't look at it.
//
// Time-outs come from the participants and only where an answer is missing.
// Arming a timer that never fires costs all variants the same.
//
// A goroutine that waits in a send is not leaked because it waits: it may be
// held up by a slow receiver. Go's goroutine leak profile tells the two apart
// (GOEXPERIMENT=goroutineleakprofile), a count does not.
//
// Code is counted with the table of transitions for those variants that use
// it: in the goroutine's variant the control flow is that table.
package statemachine
