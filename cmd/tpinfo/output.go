package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
)

// style colours text when it goes to a terminal, and nothing otherwise.
type style struct{ on bool }

func newStyle(w io.Writer, toFile bool) style {
	return style{on: !toFile && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string { return s.paint("1", text) }
func (s style) dim(text string) string  { return s.paint("2", text) }
func (s style) warn(text string) string { return s.paint("33", text) }
func (s style) good(text string) string { return s.paint("32", text) }
func (s style) bad(text string) string  { return s.paint("31", text) }
func (s style) name(text string) string { return s.paint("36", text) }

// printJSON writes one object a line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table lines columns up; numbers are to the right.
type table struct {
	right []bool
	rows  [][]string
	paint []func(string) string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, indent string) error {
	var width []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		line.WriteString(indent)
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			shown := cell
			if i < len(t.paint) && t.paint[i] != nil {
				shown = t.paint[i](cell)
			}
			switch {
			case i < len(t.right) && t.right[i]:
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

// declare spells a declaration of name; a type that cannot be parsed is set
// before it as it is.
func declare(spelling, name string) string {
	if spelling == "" {
		return name
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return spelling + " " + name
	}
	return e.Declare(name)
}

// age is how long ago, in the largest unit.
func age(since time.Duration) string {
	switch {
	case since < time.Minute:
		return "now"
	case since < time.Hour:
		return fmt.Sprintf("%dm", since/time.Minute)
	case since < 48*time.Hour:
		return fmt.Sprintf("%dh", since/time.Hour)
	}
	return fmt.Sprintf("%dd", since/(24*time.Hour))
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// bytesOf is a size as people say it.
func bytesOf(n tpinfo.Bytes) string {
	if !n.Known() {
		return "size not known"
	}
	return plural(int(n), "byte")
}

// plural is "1 event", "2 events".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
