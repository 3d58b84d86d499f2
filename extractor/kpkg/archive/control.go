package archive

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
)

// readControl finds and reads the control file of a .deb.
func readControl(ctx context.Context, a *arReader) (*About, error) {
	m, err := debMember(a, controlTar)
	if err != nil {
		return nil, err
	}
	limits := Limits{Bytes: maxControlTar}.filled()
	r, done, err := decompress(ctx, m.body, limits)
	if err != nil {
		return nil, in(m.name, err)
	}
	defer done()
	var said *About
	err = walkTar(r, limits, func(e *Entry) error {
		if e.Name != "control" {
			return nil
		}
		if e.Kind != Regular || e.Size > maxControl {
			return problem(ErrHostile, e.Name, "a control file is a file of at most %d bytes", maxControl)
		}
		if said, err = parseControl(e.Body); err != nil {
			return err
		}
		return ErrStop
	})
	if err != nil && !errors.Is(err, ErrStop) {
		return nil, in(m.name, err)
	}
	if said == nil {
		return nil, problem(ErrDamaged, m.name, "it has no control file")
	}
	return said, nil
}

// parseControl reads a control file (deb-control(5)).
func parseControl(r io.Reader) (*About, error) {
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
			return nil, problem(ErrDamaged, "control", "it has the line %q", Short(line))
		}
		last = strings.ToLower(name)
		fields[last] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, damaged("control", err)
	}
	said := &About{Format: Deb, Name: fields["package"], Version: fields["version"], Arch: fields["architecture"]}
	for field, value := range map[string]string{"Package": said.Name, "Version": said.Version, "Architecture": said.Arch} {
		if value == "" || strings.ContainsAny(value, " /\t") || !Printable(value) {
			return nil, problem(ErrDamaged, "control", "its %s is %q", field, Short(value))
		}
	}
	for _, field := range []string{"pre-depends", "depends"} {
		for clause := range strings.SplitSeq(fields[field], ",") {
			first, _, _ := strings.Cut(clause, "|")
			rel, ok := parseRelation(first)
			if !ok {
				continue
			}
			if !Printable(rel.Name) || !Printable(rel.Version) {
				return nil, problem(ErrDamaged, "control", "it depends on %q", Short(rel.Name))
			}
			said.Depends = append(said.Depends, rel)
		}
	}
	return said, nil
}

// parseRelation reads "name:any (= version) [arch]".
func parseRelation(text string) (Relation, bool) {
	text, restriction, _ := strings.Cut(text, "(")
	words := strings.Fields(text)
	if len(words) == 0 {
		return Relation{}, false
	}
	name, _, _ := strings.Cut(words[0], ":")
	if name == "" {
		return Relation{}, false
	}
	restriction, _, _ = strings.Cut(restriction, ")")
	version, exact := strings.CutPrefix(strings.TrimSpace(restriction), "=")
	if !exact {
		version = ""
	}
	return Relation{name, strings.TrimSpace(version)}, true
}
