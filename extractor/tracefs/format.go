package tracefs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// maxFormat bounds a format file: the largest of the kernel has 20 KiB.
const maxFormat = 1 << 20

// ErrFormat is wrapped by the errors for a file that is not a format file.
var ErrFormat = errors.New("not a format file")

// Read reads every format file below dir, where tracefs is mounted. A file
// that cannot be read is left out with a problem.
func Read(ctx context.Context, dir string) ([]tpinfo.Tracepoint, []tpinfo.Problem, error) {
	events := filepath.Join(dir, "events")
	if _, err := os.Stat(events); err != nil {
		return nil, nil, fmt.Errorf("tracefs at %s: %w; mount it: mount -t tracefs tracefs %s", dir, err, dir)
	}
	paths, err := filepath.Glob(filepath.Join(events, "*", "*", "format"))
	if err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		return nil, nil, fmt.Errorf("tracefs at %s: no format file can be seen there; it takes root", dir)
	}
	var found []tpinfo.Tracepoint
	var problems []tpinfo.Problem
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		system := filepath.Base(filepath.Dir(filepath.Dir(path)))
		t, err := readFile(path, system)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its module was unloaded meanwhile
		}
		if err != nil {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.InputSkipped, Subject: system + ":" + filepath.Base(filepath.Dir(path)), Message: err.Error(),
			})
			continue
		}
		found = append(found, *t)
	}
	return found, problems, nil
}

func readFile(path, system string) (*tpinfo.Tracepoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFormat+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFormat {
		return nil, fmt.Errorf("%s: %w: larger than %d bytes", path, ErrFormat, maxFormat)
	}
	t, err := Parse(system, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// fieldLine is a field as kernel/trace/trace_events.c prints it.
var fieldLine = regexp.MustCompile(`^\s*field:(.*);\s*offset:(\d+);\s*size:(\d+);(?:\s*signed:(-?\d+);)?\s*$`)

// Parse reads one format file. The size of the whole record is not in it.
func Parse(system string, text io.Reader) (*tpinfo.Tracepoint, error) {
	t := &tpinfo.Tracepoint{
		System: system, Source: tpinfo.FromTracefs,
		Record: &tpinfo.Record{Size: tpinfo.Unknown, Fields: []tpinfo.Field{}},
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxFormat)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "name: "); ok && t.Name == "" {
			t.Name = strings.TrimSpace(name)
			continue
		}
		if strings.HasPrefix(line, "print fmt:") {
			break
		}
		if !strings.HasPrefix(strings.TrimSpace(line), "field:") {
			continue
		}
		f, err := field(line)
		if err != nil {
			return nil, err
		}
		t.Record.Fields = append(t.Record.Fields, *f)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if t.Name == "" {
		return nil, fmt.Errorf("%w: no \"name:\" line", ErrFormat)
	}
	return t, nil
}

func field(line string) (*tpinfo.Field, error) {
	m := fieldLine.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("%w: %q", ErrFormat, line)
	}
	offset, err := strconv.ParseInt(m[2], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: offset: %w", ErrFormat, err)
	}
	size, err := strconv.ParseInt(m[3], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: size: %w", ErrFormat, err)
	}
	f := &tpinfo.Field{Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size), Signed: m[4] == "1"}
	f.Type, f.Name, f.Location = declaration(m[1])
	if f.Name == "" {
		return nil, fmt.Errorf("%w: no name in %q", ErrFormat, m[1])
	}
	return f, nil
}

// declaration parts "char prev_comm[16]", "__data_loc char[] msg" and
// "unsigned long args[8]" into type and name. What stands before the name is
// the macro's text, not always a type that C would take; it is kept as it is
// when it cannot be spelled better.
func declaration(text string) (typ, name string, where tpinfo.Location) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "__data_loc "); ok {
		text, where = rest, tpinfo.DataLoc
	} else if rest, ok := strings.CutPrefix(text, "__rel_loc "); ok {
		text, where = rest, tpinfo.RelLoc
	}
	dims := ""
	if i := strings.IndexByte(text, '['); i >= 0 && strings.HasSuffix(text, "]") {
		text, dims = text[:i], text[i:]
	}
	i := strings.LastIndexAny(text, " \t*)]")
	if i < 0 {
		return "", text, where
	}
	typ, name = strings.TrimSpace(text[:i+1]), text[i+1:]
	typ += dims
	if e, err := tpinfo.ParseExpr(typ); err == nil {
		typ = e.String()
	}
	return typ, name, where
}
