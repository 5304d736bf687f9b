package gc

import "math/rand/v2"

// A Churn makes the changes to a configuration: of every four, two are updates,
// one deletes a cluster and one adds another under a new name, so that the
// number of clusters stays the same within one. The same seed gives the same
// changes. It is for one goroutine.
type Churn struct {
	rand    *rand.Rand
	names   []string // the clusters that exist
	nextID  int
	turn    int
	version uint64
}

// NewChurn returns the churn of a configuration without clusters, at version 0.
func NewChurn(seed uint64) *Churn {
	return &Churn{rand: rand.New(rand.NewPCG(seed, 1))}
}

// Version is the version of the configuration, one more after each batch.
func (c *Churn) Version() uint64 { return c.version }

// Len is the number of clusters that exist.
func (c *Churn) Len() int { return len(c.names) }

// Grow adds clusters as one batch.
func (c *Churn) Grow(clusters int) []*Resource {
	c.version++
	set := make([]*Resource, clusters)
	for i := range set {
		set[i] = c.add()
	}
	return set
}

// Next is the next batch: that many changes, each of another cluster. It makes
// fewer when there are too few clusters for that.
func (c *Churn) Next(changes int) (set []*Resource, remove []string) {
	c.version++
	untouched := len(c.names) // names[untouched:] are this batch's
	for range changes {
		c.turn++
		if c.turn%4 == 0 {
			set = append(set, c.add())
			continue
		}
		if untouched == 0 {
			continue
		}
		i := c.rand.IntN(untouched)
		untouched--
		name := c.names[i]
		c.names[i] = c.names[untouched]
		if c.turn%4 == 2 {
			last := len(c.names) - 1
			c.names[untouched] = c.names[last]
			c.names[last] = "" // the string is garbage now
			c.names = c.names[:last]
			remove = append(remove, name)
			continue
		}
		c.names[untouched] = name
		set = append(set, NewResource(name, c.version))
	}
	return set, remove
}

func (c *Churn) add() *Resource {
	name := clusterName(c.nextID)
	c.nextID++
	c.names = append(c.names, name)
	return NewResource(name, c.version)
}
