package kpkg

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
)

// relation is one dependency: a package and the version it must have, when it
// must have exactly that one.
type relation struct{ name, version string }

// about is what a package says of itself.
type about struct {
	format              Format
	name, version, arch string
	depends             []relation
	// release is the kernel's that an RPM's files lie under, and files the
	// roles of those; a .deb says it by its name.
	release string
	roles   rpmRoles
}

// readControl finds and reads the control file of a .deb.
func readControl(ctx context.Context, a *arReader) (*about, error) {
	m, err := debMember(a, controlTar)
	if err != nil {
		return nil, err
	}
	limits := DefaultLimits
	limits.Bytes = maxControlTar
	r, done, err := decompress(ctx, m.body, limits)
	if err != nil {
		return nil, in(m.name, err)
	}
	defer done()
	var said *about
	err = walkTar(r, limits, func(e *entry) error {
		if e.name != "control" {
			return nil
		}
		if e.kind != regular || e.size > maxControl {
			return problem(ErrHostile, e.name, "a control file is a file of at most %d bytes", maxControl)
		}
		if said, err = parseControl(e.body); err != nil {
			return err
		}
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return nil, in(m.name, err)
	}
	if said == nil {
		return nil, problem(ErrDamaged, m.name, "it has no control file")
	}
	return said, nil
}

// in names the member an error is about, where nothing closer is named.
func in(member string, err error) error {
	err = damaged(member, err)
	var e *Error
	if errors.As(err, &e) && e.Entry == "" {
		e.Entry = member
	}
	return err
}

// parseControl reads a control file (deb-control(5)).
func parseControl(r io.Reader) (*about, error) {
	fields := map[string]string{}
	last := ""
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), maxControl)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case line[0] == ' ' || line[0] == '\t':
			if last == "" {
				return nil, problem(ErrDamaged, "control", "it starts with a continued line")
			}
			fields[last] += " " + strings.TrimSpace(line)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, problem(ErrDamaged, "control", "it has the line %q", short(line))
		}
		last = strings.ToLower(name)
		fields[last] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, damaged("control", err)
	}
	said := &about{format: Deb, name: fields["package"], version: fields["version"], arch: fields["architecture"]}
	for field, value := range map[string]string{"Package": said.name, "Version": said.version, "Architecture": said.arch} {
		if value == "" || strings.ContainsAny(value, " /\t") || !printable(value) {
			return nil, problem(ErrDamaged, "control", "its %s is %q", field, short(value))
		}
	}
	for _, field := range []string{"pre-depends", "depends"} {
		for clause := range strings.SplitSeq(fields[field], ",") {
			first, _, _ := strings.Cut(clause, "|")
			rel, ok := parseRelation(first)
			if !ok {
				continue
			}
			if !printable(rel.name) || !printable(rel.version) {
				return nil, problem(ErrDamaged, "control", "it depends on %q", short(rel.name))
			}
			said.depends = append(said.depends, rel)
		}
	}
	return said, nil
}

// parseRelation reads "name:any (= version) [arch]".
func parseRelation(text string) (relation, bool) {
	text, restriction, _ := strings.Cut(text, "(")
	words := strings.Fields(text)
	if len(words) == 0 {
		return relation{}, false
	}
	name, _, _ := strings.Cut(words[0], ":")
	if name == "" {
		return relation{}, false
	}
	restriction, _, _ = strings.Cut(restriction, ")")
	version, exact := strings.CutPrefix(strings.TrimSpace(restriction), "=")
	if !exact {
		version = ""
	}
	return relation{name, strings.TrimSpace(version)}, true
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
