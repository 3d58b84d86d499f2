package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table lines columns up; numbers are to the right.
type Table struct {
	Right []bool // by column; those beyond are to the left
	Rows  [][]string
	Paint []func(string) string // by column, or nil
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Print writes the rows, each behind indent.
func (t *Table) Print(w io.Writer, indent string) error {
	var width []int
	for _, row := range t.Rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.Rows {
		var line strings.Builder
		line.WriteString(indent)
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			shown := cell
			if i < len(t.Paint) && t.Paint[i] != nil {
				shown = t.Paint[i](cell)
			}
			switch {
			case i < len(t.Right) && t.Right[i]:
				line.WriteString(pad + shown)
			case i == len(row)-1:
				line.WriteString(shown)
			default:
				line.WriteString(shown + pad)
			}
			if i < len(row)-1 {
				line.WriteString("  ")
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
