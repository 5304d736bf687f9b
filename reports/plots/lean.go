package plots

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"

	"tunelab/reports/internal/plain"
)

var (
	styles    = regexp.MustCompile(`\s+style="[^"]*"`)
	fonts     = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;font-weight:[^;]*;font-style:[^;]*;`)
	shared    = regexp.MustCompile(`(?: transform="scale\(1, -1\)")?\s+style="[^"]*"`) // what neighbours may have in common
	element   = regexp.MustCompile(`^<(?:path|text) .*(?:/>|</text>)\n$`)              // a whole one in a line
	textPlace = regexp.MustCompile(`<text x="([^"]*)" y="([^"]*)"`)
	pathData  = regexp.MustCompile(` d="[^"]*"`)
	pathParts = regexp.MustCompile(`[A-Za-z][^A-Za-z]*`)
)

// finish makes gonum's SVG lean and fit for a page: the picture scales with its place, is told in words, takes the
// page's colours, and says nothing twice.
func finish(svg []byte, height float64, label string) ([]byte, error) {
	_, body, ok := bytes.Cut(svg, []byte("xlink\">\n"))
	if !ok {
		return nil, fmt.Errorf("drawing %s: gonum's SVG does not begin as it used to", label)
	}
	size := fmt.Sprintf("font-size:%gpx;", fontSize)
	body = styles.ReplaceAllFunc(body, func(s []byte) []byte {
		text := strings.TrimLeft(string(fonts.ReplaceAll(s, nil)), "\n\t ")
		return []byte(" " + variables.Replace(strings.NewReplacer(size, "", "fill:none;", "").Replace(text)))
	})
	body = pathData.ReplaceAllFunc(body, func(d []byte) []byte {
		return []byte(` d="` + relative(strings.TrimSuffix(string(d[4:]), `"`)) + `"`)
	})
	body = grouped(textPlace.ReplaceAllFunc(body, func(place []byte) []byte {
		parts := textPlace.FindSubmatch(place)
		if x, y, ok := tenths(string(parts[1]) + "," + string(parts[2])); ok {
			return fmt.Appendf(nil, `<text x="%s" y="%s"`, tenth(x), tenth(y))
		}
		return place
	}))
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" fill="none" stroke-linecap="round" viewBox="0 0 %d %g" font-family="'Liberation Sans',Arial,Helvetica,sans-serif" font-size="%g" aria-label="%s">`,
		Width, math.Ceil(height), fontSize, html.EscapeString(plain.Clean(label)))
	return append([]byte(head+"\n"), body...), nil
}

// grouped puts the style that neighbours share, and that they are upright, on a group round them: the ticks of an axis
// and their labels are most of a small picture.
func grouped(body []byte) []byte {
	var out bytes.Buffer
	var run [][]byte // neighbours
	var style []byte // of all of them
	flush := func() {
		if len(run) < 2 {
			out.Write(bytes.Join(run, nil))
		} else {
			fmt.Fprintf(&out, "<g%s>\n", style)
			for _, line := range run {
				out.Write(bytes.Replace(line, style, nil, 1))
			}
			out.WriteString("</g>\n")
		}
		run, style = nil, nil
	}
	for line := range bytes.Lines(body) {
		its := shared.Find(line)
		if !element.Match(line) || !bytes.Equal(its, style) {
			flush()
		}
		if element.Match(line) {
			run, style = append(run, line), its
		} else {
			out.Write(line)
		}
	}
	flush()
	return out.Bytes()
}

// relative writes the lines of a path as steps of tenths of a unit, which are shorter than places. A path with
// anything but lines stays as it is.
func relative(d string) string {
	var out strings.Builder
	var x, y, startX, startY int // in tenths
	for _, part := range pathParts.FindAllString(d, -1) {
		if part == "Z" {
			out.WriteString("z")
			x, y = startX, startY
			continue
		}
		toX, toY, ok := tenths(part[1:])
		switch {
		case !ok:
			return d
		case part[0] == 'M':
			out.WriteString("M" + tenth(toX) + "," + tenth(toY))
			startX, startY = toX, toY
		case part[0] == 'L' && toY == y:
			out.WriteString("h" + tenth(toX-x))
		case part[0] == 'L' && toX == x:
			out.WriteString("v" + tenth(toY-y))
		case part[0] == 'L':
			out.WriteString("l" + tenth(toX-x) + "," + tenth(toY-y))
		default:
			return d
		}
		x, y = toX, toY
	}
	return out.String()
}

// tenths reads "x,y".
func tenths(pair string) (x, y int, ok bool) {
	first, second, _ := strings.Cut(pair, ",")
	a, err1 := strconv.ParseFloat(first, 64)
	b, err2 := strconv.ParseFloat(second, 64)
	return int(math.Round(10 * a)), int(math.Round(10 * b)), err1 == nil && err2 == nil
}

func tenth(n int) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) }
