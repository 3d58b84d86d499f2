package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Style colours text when it goes to a terminal, and nothing otherwise.
type Style struct {
	On bool // text is coloured
}

func newStyle(w io.Writer, toFile bool) Style {
	return Style{On: !toFile && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(w)}
}

// IsTerminal reports whether what is written to w goes to a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (s Style) paint(code, text string) string {
	if !s.On || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold sets off what a line is about.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim holds back what is beside the point.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Warn marks what wants attention.
func (s Style) Warn(text string) string { return s.paint("33", text) }

// Good marks what is as it should be.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Bad marks what is not as it should be.
func (s Style) Bad(text string) string { return s.paint("31", text) }

// Name marks names of the kernel, and headings.
func (s Style) Name(text string) string { return s.paint("36", text) }
