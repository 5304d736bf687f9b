package verdict

// Counts is how many comparisons have which verdict.
type Counts struct {
	Better    int `json:"better,omitempty"`
	Worse     int `json:"worse,omitempty"`
	Same      int `json:"same,omitempty"`
	Undecided int `json:"undecided,omitempty"`
}

// Total is the number of comparisons.
func (c Counts) Total() int { return c.Better + c.Worse + c.Same + c.Undecided }

// Add counts one more; what is no other verdict is undecided.
func (c *Counts) Add(v Verdict) {
	switch v {
	case Better:
		c.Better++
	case Worse:
		c.Worse++
	case Same:
		c.Same++
	default:
		c.Undecided++
	}
}
