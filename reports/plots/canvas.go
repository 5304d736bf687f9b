package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"tunelab/reports/internal/plain"
)

// Width is the width of every picture, in units that a page shows as one to one and a half pixels.
const Width = 360

const (
	fontSize  = 10.5
	smallSize = 9.5
)

// The colours, each with the CSS variable that a page may set it by.
var (
	ink    = hex(0x111111) // text, axes, the base
	muted  = hex(0x666667) // text that is less important
	grid   = hex(0xDDDDDE)
	zone   = hex(0xE8EEF4) // where `same` lies
	series = [...]color.Color{hex(0x111111), hex(0x0072B2), hex(0xD55E00), hex(0x009E73), hex(0xCC79A7), hex(0xE69F00), hex(0x56B4E9)}
)

// variables replaces the colours that gonum wrote by what a page can set.
var variables = strings.NewReplacer(
	"#111111", "currentColor", "#666667", "var(--muted,#666667)", "#DDDDDE", "var(--grid,#DDDDDE)", "#E8EEF4", "var(--zone,#E8EEF4)",
	"#0072B2", "var(--s1,#0072B2)", "#D55E00", "var(--s2,#D55E00)", "#009E73", "var(--s3,#009E73)",
	"#CC79A7", "var(--s4,#CC79A7)", "#E69F00", "var(--s5,#E69F00)", "#56B4E9", "var(--s6,#56B4E9)",
)

func hex(rgb uint32) color.Color {
	return color.RGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 255}
}

// seriesColor is the colour of the i-th variant, the base being 0.
func seriesColor(i int) color.Color {
	if i <= 0 {
		return series[0]
	}
	return series[1+(i-1)%(len(series)-1)]
}

func style(size float64, c color.Color, x draw.XAlignment) text.Style {
	return text.Style{
		Color: c, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Length(size)),
		XAlign: x, YAlign: draw.YBottom, Handler: plot.DefaultTextHandler,
	}
}

// newPlot is a plot without decoration, in our fonts.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle = draw.LineStyle{Color: muted, Width: 0.5}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = 3
		x, y := axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Tick.Label = style(smallSize, muted, x)
		axis.Tick.Label.YAlign = y
		axis.Padding = 0
	}
	return p
}

// fit shortens text to a width on the canvas.
func fit(s text.Style, label string, width vg.Length) string {
	label = plain.Clean(label)
	for n := plain.Width(label); n > 1 && s.Width(label) > width; {
		n = min(n-1, int(float64(n)*float64(width/s.Width(label)))+1)
		label = plain.Elide(label, n)
	}
	return label
}

// otherFonts is how much wider a text may be in the font that a reader's browser has instead of ours.
const otherFonts = 1.2

// columnAt is where texts begin that stand below one another and end before right, in a reader's font too. Texts that
// ended there in ours would lose their ends.
func columnAt(s text.Style, right vg.Length, texts []string) vg.Length {
	var width vg.Length
	for _, t := range texts {
		width = max(width, s.Width(t))
	}
	return right - otherFonts*width
}

// A pen gathers many small shapes of one colour into one path: a path of its own for each would be ten times as long.
type pen struct{ path vg.Path }

// polygon adds a closed shape.
func (p *pen) polygon(points ...vg.Point) {
	p.path.Move(points[0])
	for _, q := range points[1:] {
		p.path.Line(q)
	}
	p.path.Close()
}

// line adds a line.
func (p *pen) line(x0, y0, x1, y1 vg.Length) {
	p.path.Move(at(x0, y0))
	p.path.Line(at(x1, y1))
}

// polyline adds a line through all points, which is shorter to write than its pieces.
func (p *pen) polyline(points []vg.Point) {
	for i, q := range points {
		if i == 0 {
			p.path.Move(at(q.X, q.Y))
		} else {
			p.path.Line(at(q.X, q.Y))
		}
	}
}

// fill paints what was gathered.
func (p *pen) fill(c draw.Canvas, col color.Color) {
	if len(p.path) > 0 {
		c.SetColor(col)
		c.Fill(p.path)
	}
}

// stroke paints what was gathered as lines.
func (p *pen) stroke(c draw.Canvas, col color.Color, width vg.Length, dashes ...vg.Length) {
	if len(p.path) > 0 {
		c.SetLineStyle(draw.LineStyle{Color: col, Width: width, Dashes: dashes})
		c.Stroke(p.path)
	}
}

// Glyphs are the points of one series: as many shapes as there are colours and one more, so that colour and shape
// together tell more series apart, and either alone the first few.
type glyphs struct {
	series int
	radius vg.Length
	pen    pen
}

const shapes = 7

// add places a glyph.
func (g *glyphs) add(x, y vg.Length) {
	r := g.radius
	point := func(dx, dy vg.Length) vg.Point { return at(x+r*dx, y+r*dy) }
	switch g.series % shapes {
	case 0: // a line of no length: its round ends make a disc, in the fewest bytes
		g.pen.line(x, y, x, y)
	case 1:
		g.pen.polygon(point(0, 1.3), point(1.2, -.9), point(-1.2, -.9))
	case 2:
		g.pen.polygon(point(.9, .9), point(-.9, .9), point(-.9, -.9), point(.9, -.9))
	case 3:
		g.pen.polygon(point(0, 1.4), point(1.4, 0), point(0, -1.4), point(-1.4, 0))
	case 4:
		g.pen.polygon(point(0, -1.3), point(1.2, .9), point(-1.2, .9))
	case 5:
		g.pen.line(x-r, y, x+r, y)
		g.pen.line(x, y-r, x, y+r)
	case 6:
		g.pen.line(x-r, y, x+r, y)
	}
}

// draw paints them all.
func (g *glyphs) draw(c draw.Canvas) {
	col := seriesColor(g.series)
	switch g.series % shapes {
	case 0:
		g.pen.stroke(c, col, 2*g.radius)
	case 5, 6:
		g.pen.stroke(c, col, 0.75*g.radius)
	default:
		g.pen.fill(c, col)
	}
}

// at is a point to a tenth of a unit: more digits can't be seen.
func at(x, y vg.Length) vg.Point {
	round := func(v vg.Length) vg.Length { return vg.Length(math.Round(float64(v)*10) / 10) }
	return vg.Point{X: round(x), Y: round(y)}
}

// A plotterFunc draws on the area of the data.
type plotterFunc func(c draw.Canvas, p *plot.Plot)

// Plot implements plot.Plotter.
func (f plotterFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// A Picture can be written in several forms.
type Picture struct {
	height vg.Length
	label  string // the picture in words
	drawOn func(c draw.Canvas)
}

// SVG returns the picture as an element of a page, whose colours it takes.
func (p Picture) SVG() ([]byte, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(Width, p.height))
	p.drawOn(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("drawing %s: %w", p.label, err)
	}
	return finish(out.Bytes(), float64(p.height), p.label)
}

// paper is what a picture that stands alone is drawn on.
const paper = 0xFFFFFF

// File returns the picture as an SVG file, dark on white.
func (p Picture) File() ([]byte, error) {
	svg, err := p.SVG()
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(svg, []byte("\n"))
	page := fmt.Sprintf("\n<rect width=\"100%%\" height=\"100%%\" fill=\"#%06X\"/>\n", paper)
	return slices.Concat(head, []byte(page), fixed.ReplaceAll(body, []byte("$1"))), nil
}

// fixed finds the colours that a page may set, with what they are where it does not.
var fixed = regexp.MustCompile(`var\(--[a-z0-9]+,(#[0-9A-F]{6})\)`)

// dotsPerUnit makes a PNG sharp on screens of high density and in print.
const dotsPerUnit = 3

// PNG returns the picture as a PNG file of 1,080 pixels across, dark on white.
func (p Picture) PNG() ([]byte, error) {
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(Width, p.height), vgimg.UseDPI(72*dotsPerUnit), vgimg.UseBackgroundColor(hex(paper)))}
	p.drawOn(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("drawing %s: %w", p.label, err)
	}
	return out.Bytes(), nil
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
