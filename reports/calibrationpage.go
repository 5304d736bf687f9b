package reports

import (
	"cmp"
	_ "embed" // the template is part of the program
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/internal/shell"
	"tunelab/reports/plots"
	"tunelab/results/calibration"
)

//go:embed calibration.html
var calibrationText string

// A calibrationPage is what the template of a calibration shows.
type calibrationPage struct {
	Title, Answer, Machine, Command string
	Benchmarks                      []calibrationSection
}

// A calibrationSection is one benchmark of it.
type calibrationSection struct {
	ID, Name, How string
	Head          []string
	Rows          []methodRow
	Pictures      []calibrationPicture
}

type calibrationPicture struct {
	Caption string
	Picture template.HTML
}

// CalibrationHTML writes a machine's calibration as a page: one file without any reference to another.
func CalibrationHTML(w io.Writer, c *calibration.Calibration) error {
	view := calibrationPage{
		Title: "How far verdicts can be trusted on this machine", Answer: bound(calibrationAnswer(c)), Machine: calibratedMachine(c),
		Command: shell.Line(c.Command),
	}
	for i, b := range c.Benchmarks {
		section := calibrationSection{ID: fmt.Sprintf("benchmark-%d", i+1), Name: plain.Clean(b.Name), How: bound(howMeasured(b))}
		section.Head, section.Rows = methodTable(b)
		boundTable(section.Head, section.Rows)
		for _, draw := range []func(calibration.Benchmark) (calibrationPicture, error){rocPicture, timePicture} {
			picture, err := draw(b)
			if err != nil {
				return fmt.Errorf("drawing the calibration with %s: %w", b.Name, err)
			}
			if picture.Picture != "" {
				section.Pictures = append(section.Pictures, picture)
			}
		}
		view.Benchmarks = append(view.Benchmarks, section)
	}
	return write(w, "the calibration", calibrationText, view)
}

// boundTable keeps a number and its unit on one line.
func boundTable(heads []string, rows []methodRow) {
	for i := range heads {
		heads[i] = bound(heads[i])
	}
	for _, row := range rows {
		for i := range row.Cells {
			row.Cells[i] = bound(row.Cells[i])
		}
	}
}

// howMeasured says what a block of the benchmark is, and how small a slowdown it lets find.
func howMeasured(b calibration.Benchmark) string {
	text := fmt.Sprintf("%s; a block takes %s, and its log-ratios have a standard deviation of %s; finding out how to measure took %s.",
		plain.Clean(b.Processes), number.Milliseconds(b.BlockMS), number.Percent(b.NoiseSD), number.Milliseconds(b.PilotMS))
	if b.Smallest80 > 0 {
		return text + fmt.Sprintf(" The smallest slowdown found in 80 %% of tries is one of %s.", number.Percent(b.Smallest80))
	}
	return text + " No slowdown that was tried was found in 80 % of tries, or too few tries say so."
}

// rocPicture is what each way finds against what it calls different without reason.
func rocPicture(b calibration.Benchmark) (calibrationPicture, error) {
	return curvePicture("5 % slower: found, against false alarms, over all levels", rocCurve(b))
}

// timePicture is how often a slowdown of 5 % was found by which machine time.
func timePicture(b calibration.Benchmark) (calibrationPicture, error) {
	return curvePicture("5 % slower: found, by machine time", timeCurve(b))
}

func rocCurve(b calibration.Benchmark) plots.CurveData {
	return methodCurve(b, "false alarms", []float64{0, 0.25, 0.5, 0.75, 1}, func(m calibration.Method) []calibration.Point { return m.ROC })
}

func timeCurve(b calibration.Benchmark) plots.CurveData {
	most := 0.0
	for _, m := range b.Methods {
		for _, p := range m.PerTime {
			most = max(most, p.X)
		}
	}
	var ticks []float64
	for _, t := range []float64{0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if t <= most*2 {
			ticks = append(ticks, t)
		}
	}
	return methodCurve(b, "machine-seconds", ticks, func(m calibration.Method) []calibration.Point { return m.PerTime })
}

// methodCurve is a line for each way to decide, its points in the order of the horizontal axis.
func methodCurve(b calibration.Benchmark, axis string, ticks []float64, of func(calibration.Method) []calibration.Point) plots.CurveData {
	data := plots.CurveData{Axis: axis, Unit: "found", Shares: true, Threshold: math.NaN()}
	for _, t := range ticks {
		data.Ticks = append(data.Ticks, plots.CurveTick{Label: fmt.Sprint(t), X: t})
	}
	for i, m := range b.Methods {
		line := plots.CurveLine{Name: plain.Clean(m.Name), Series: i}
		for _, p := range of(m) {
			line.Points = append(line.Points, plots.CurvePoint{X: p.X, Y: p.Y, Lo: math.NaN(), Hi: math.NaN()})
		}
		slices.SortStableFunc(line.Points, func(a, b plots.CurvePoint) int {
			return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y))
		})
		if len(line.Points) > 0 {
			data.Lines = append(data.Lines, line)
		}
	}
	return data
}

// curvePicture draws the curve, or nothing where there is too little to draw.
func curvePicture(caption string, data plots.CurveData) (calibrationPicture, error) {
	if len(data.Lines) == 0 || len(data.Ticks) < 2 {
		return calibrationPicture{}, nil
	}
	var words []string
	for _, line := range data.Lines {
		last := line.Points[len(line.Points)-1]
		words = append(words, fmt.Sprintf("%s: %.2f at %.3g", line.Name, last.Y, last.X))
	}
	data.Label = caption + ". " + strings.Join(words, "; ")
	svg, err := plots.Curve(data).SVG()
	return calibrationPicture{Caption: bound(caption), Picture: template.HTML(svg)}, err
}
