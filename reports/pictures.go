package reports

import (
	"fmt"
	"strings"

	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
)

// A NamedPicture is a picture of a run's page, to be a file of its own.
type NamedPicture struct {
	Name    string // fit for a file's name, without its ending; no two of a run are alike
	Says    string // what it shows, in words
	Picture plots.Picture
}

// Pictures returns all pictures of the run's page, in its order.
func Pictures(s *Summary) []NamedPicture {
	var out []NamedPicture
	used := map[string]int{}
	add := func(p plots.Picture, parts ...string) {
		name := fileName(parts...)
		if used[name]++; used[name] > 1 {
			name += fmt.Sprintf("-%d", used[name])
		}
		out = append(out, NamedPicture{name, strings.Join(parts, " "), p})
	}
	for _, v := range s.figures {
		for _, p := range s.drawn(v) {
			add(p, "figure", v.Title)
		}
	}
	for _, m := range s.File.Run.Metrics {
		for _, d := range s.forests(m) {
			add(plots.Forest(d), "change", m.Unit)
		}
		for _, d := range s.axesHeats(m) {
			add(plots.Heat(d), "map", m.Unit)
		}
		for _, c := range s.File.Run.Plan.Cases {
			for _, p := range s.pictures(c, m.Unit) {
				add(p.Picture, p.Kind, m.Unit, c.Case)
			}
		}
	}
	return out
}

// longestFileName is how long a picture's name may be, without what tells it from another.
const longestFileName = 100

// fileName joins the parts with letters, digits and hyphens only.
func fileName(parts ...string) string {
	text := plain.Clean(strings.Join(parts, "-"))
	var out strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.' && out.Len() > 0, r == '=':
			out.WriteRune(r)
		case !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
		if out.Len() >= longestFileName {
			break
		}
	}
	return strings.Trim(out.String(), "-.")
}
