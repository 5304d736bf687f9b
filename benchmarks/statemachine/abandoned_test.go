package statemachine

import "time"

// abandon starts senders goroutines that each send one answer into one channel
// of this capacity, whose receiver has given up: it takes none and is gone. It
// returns when they have had the time to get stuck.
func abandon(capacity, senders int) {
	answers := make(chan int, capacity)
	for i := range senders {
		go func() {
			select { // a select with one case, as with a time-out that was forgotten
			case answers <- i:
			}
		}()
	}
	time.Sleep(50 * time.Millisecond)
}

// holdUp does the same, but its receiver is only slow: it takes all answers
// when the returned function is called.
func holdUp(capacity, senders int) (receive func()) {
	answers := make(chan int, capacity)
	for i := range senders {
		go func() { answers <- i }()
	}
	time.Sleep(50 * time.Millisecond)
	return func() {
		for range senders {
			<-answers
		}
	}
}
