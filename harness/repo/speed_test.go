package repo

import (
	"path/filepath"
	"testing"
)

// BenchmarkCheckout is what a checkout costs, git's own part included, of a small repository.
func BenchmarkCheckout(b *testing.B) {
	dir := b.TempDir()
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m"}} {
		if _, err := gitIn(b.Context(), dir, args...); err != nil {
			b.Fatal(err)
		}
	}
	r, _, err := Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	c, err := r.Resolve(b.Context(), "HEAD")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Checkout(b.Context(), c.Hash, filepath.Join(b.TempDir(), "rev"), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("mirror", func(b *testing.B) {
		for b.Loop() {
			t := &Tree{Root: filepath.Join(b.TempDir(), "rev"), repo: r}
			t.Top = t.at(r.Top)
			if err := t.mirror(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
