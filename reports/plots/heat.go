package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HeatData is a table of changes.
type HeatData struct {
	Label   string // the picture in words, with its numbers
	Down    string // what the rows are
	Across  string // what the columns are
	Rows    []string
	Columns []string
	Cells   [][]HeatCell // by row, then by column
}

// HeatCell is one change.
type HeatCell struct {
	Text  string  // what stands in it
	Log   float64 // logarithm of the ratio, above 0 for the better; not finite where there is none
	Faint bool    // not told from no change
}

const (
	heatRow    = 26
	heatName   = 96 // width of the rows' names
	heatTop    = 32 // height of the columns' names
	heatBottom = 26
	// full is the change at which a cell has all of its colour, and mostInk how much of it that is: dark text stands on it.
	full    = 0.4
	mostInk = 0.62
)

// Heat draws the table with each cell in a colour by its change, blue for the better and orange for the worse, and the
// numbers in the cells. A cell whose change is not told from none has its number in brackets and hardly any colour.
func Heat(d HeatData) Picture {
	height := vg.Length(heatTop + heatRow*len(d.Rows) + heatBottom)
	return Picture{height, d.Label, func(c draw.Canvas) {
		small, names := style(smallSize, muted, draw.XCenter), style(smallSize, ink, draw.XLeft)
		width := vg.Length(Width-heatName-4) / vg.Length(max(1, len(d.Columns)))
		top := height - heatTop
		for j, name := range d.Columns {
			c.FillText(small, at(heatName+width*(vg.Length(j)+0.5), top+4), fit(small, name, width-4))
		}
		across, left := fit(small, d.Across, (Width-heatName-8)/otherFonts), style(smallSize, muted, draw.XLeft)
		c.FillText(left, at(columnAt(left, Width-4, []string{across}), height-12), across)
		c.FillText(style(smallSize, muted, draw.XLeft), at(2, height-12), fit(small, d.Down, heatName))
		for i, name := range d.Rows {
			bottom := top - heatRow*vg.Length(i+1)
			c.FillText(names, at(2, bottom+heatRow/2-3), fit(names, name, heatName-6))
			for j, cell := range d.Cells[i] {
				left := heatName + width*vg.Length(j)
				var box pen
				box.polygon(at(left+1, bottom+1), at(left+width-1, bottom+1), at(left+width-1, bottom+heatRow-1), at(left+1, bottom+heatRow-1))
				box.fill(c, cell.color())
				box.stroke(c, grid, 0.5)
				text := style(smallSize, ink, draw.XCenter)
				label := cell.Text
				if cell.Faint && label != "" {
					label = "(" + label + ")"
				}
				c.FillText(text, at(left+width/2, bottom+heatRow/2-3), fit(text, label, width-3))
			}
		}
		c.FillText(style(smallSize, muted, draw.XLeft), at(2, 4), "blue: better   orange: worse   ( ): not told from no change")
	}}
}

// color is blue or orange, the more of it the larger the change.
func (h HeatCell) color() color.Color {
	if !isFinite(h.Log) || h.Log == 0 {
		return color.NRGBA{}
	}
	r, g, b, _ := series[1].RGBA()
	if h.Log < 0 {
		r, g, b, _ = series[2].RGBA()
	}
	strength := mostInk * min(1, math.Abs(h.Log)/full)
	if h.Faint {
		strength = min(strength, 0.08)
	}
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: uint8(math.Round(255 * strength))}
}
