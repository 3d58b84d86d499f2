package syscalls

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// notImplemented stands in the table where a call is missing; the kernel's own
// search for what a number means passes it over.
const notImplemented = "ni_syscall"

// System is that of all events here. The kernel puts no others into it.
const System = "syscalls"

// Entry is struct trace_entry, with which every record starts: real-time
// kernels have more members in it than others.
type Entry struct {
	Fields []tpinfo.Field // the common ones, as any event's record has them
	Size   tpinfo.Bytes
}

// EntryOf finds it in what the headers of the same kernel told; ok is false
// where they did not.
func EntryOf(events []tpinfo.Tracepoint, types []tpinfo.Type) (e Entry, ok bool) {
	i := slices.IndexFunc(types, func(t tpinfo.Type) bool { return t.Name == "struct trace_entry" })
	if i < 0 || !types[i].Size.Known() {
		return e, false
	}
	e.Size = types[i].Size
	for k := range events {
		if r := events[k].Record; r != nil && r.Complete() {
			for _, f := range r.Fields {
				if strings.HasPrefix(f.Name, "common_") && f.Offset < e.Size {
					e.Fields = append(e.Fields, f)
				}
			}
			return e, len(e.Fields) > 0
		}
	}
	return e, false
}

// Preprocessor runs the compiler's preprocessor over a text, with the flags
// and include folders that the build tree's headers compile with, and without
// lines that number its output (-E -P).
type Preprocessor func(ctx context.Context, text string) (string, error)

// Found is what the source tells.
type Found struct {
	// Events are complete: each has a record and no arguments.
	Events   []tpinfo.Tracepoint
	Problems []tpinfo.Problem
	// Files were read, below the source's folder.
	Files []string
}

// Events describes the events of all system calls of the kernel that t is
// configured for and src is the source of. A kernel without
// CONFIG_FTRACE_SYSCALLS has none. An error says that nothing is known of any.
func Events(ctx context.Context, src *kbuild.Source, t *kbuild.Tree, entry Entry, preprocess Preprocessor) (*Found, error) {
	if !t.Config.On("FTRACE_SYSCALLS") {
		return &Found{}, nil
	}
	objects, unsure := src.BuiltIn()
	u, err := build(ctx, src, t, objects)
	if err != nil {
		return nil, fmt.Errorf("system calls: %w", err)
	}
	output, err := preprocess(ctx, u.text.String())
	if err != nil {
		return nil, fmt.Errorf("system calls: %w", err)
	}
	a, err := parse(output)
	if err != nil {
		return nil, fmt.Errorf("system calls: %w", err)
	}
	if len(a.numbers) == 0 {
		return nil, fmt.Errorf("system calls: %w: it lists none", ErrNoTable)
	}
	f := &Found{Files: u.files}
	seen := map[string]string{}
	for _, d := range a.calls {
		nr, has := a.numbers[d.name]
		if !has || d.name == notImplemented {
			continue // 32-bit programs alone make it
		}
		if other, twice := seen[d.name]; twice {
			f.Problems = append(f.Problems, tpinfo.Problem{
				Code: tpinfo.TypeConflict, Subject: "sys_enter_" + d.name,
				Message: fmt.Sprintf("%s and %s both define the system call; the first counts", other, d.file),
			})
			continue
		}
		seen[d.name] = d.file
		f.Events = append(f.Events,
			event("sys_enter_"+d.name, d.file, enter(d, a.faults[nr], entry, t.Arch.WordSize)),
			event("sys_exit_"+d.name, d.file, exit(entry, t.Arch.WordSize)))
	}
	slices.SortFunc(f.Events, func(a, b tpinfo.Tracepoint) int { return strings.Compare(a.Name, b.Name) })
	f.Problems = append(f.Problems, doubts(u, a, unsure)...)
	return f, nil
}

func event(name, file string, r *tpinfo.Record) tpinfo.Tracepoint {
	return tpinfo.Tracepoint{
		System: System, Name: name, Header: file, Source: tpinfo.FromSource,
		Args: []tpinfo.Arg{}, Record: r, Problems: []tpinfo.Problem{RecordOnly(name)},
	}
}

// RecordOnly says why such an event has no arguments.
func RecordOnly(name string) tpinfo.Problem {
	hook := "sys_enter"
	if strings.HasPrefix(name, "sys_exit_") {
		hook = "sys_exit"
	}
	return tpinfo.Problem{
		Code:    tpinfo.RecordOnly,
		Message: "it is no tracepoint of its own: the kernel makes its record in raw_syscalls:" + hook + ", whose arguments a program may read instead",
	}
}

// enter lays out struct syscall_trace_enter (kernel/trace/trace.h): the call's
// number, then a word for each argument, whatever its type, and from 6.19 on a
// locator for each string that is recorded.
func enter(d defined, recorded uint64, entry Entry, word int) *tpinfo.Record {
	r := number(entry)
	size := tpinfo.Bytes(word)
	at := align(r.Fields[len(r.Fields)-1].Offset+4, size)
	for i, name := range d.names {
		r.Fields = append(r.Fields, tpinfo.Field{Name: name, Type: spell(d.types[i]), Offset: at, Size: size})
		at += size
	}
	for ; recorded != 0; recorded &= recorded - 1 {
		i := bits.TrailingZeros64(recorded)
		if i >= len(d.names) {
			continue // the kernel's own slip: there is no such argument
		}
		r.Fields = append(r.Fields, tpinfo.Field{
			Name: "__" + d.names[i] + "_val", Type: "char[]", Offset: at, Size: 4, Location: tpinfo.DataLoc,
		})
		at += 4
	}
	r.Size = at
	return r
}

// exit lays out struct syscall_trace_exit.
func exit(entry Entry, word int) *tpinfo.Record {
	r := number(entry)
	size := tpinfo.Bytes(word)
	at := align(r.Fields[len(r.Fields)-1].Offset+4, size)
	r.Fields = append(r.Fields, tpinfo.Field{Name: "ret", Type: "long", Offset: at, Size: size, Signed: true})
	r.Size = at + size
	return r
}

func number(entry Entry) *tpinfo.Record {
	fields := slices.Clone(entry.Fields)
	return &tpinfo.Record{Fields: append(fields, tpinfo.Field{
		Name: "__syscall_nr", Type: "int", Offset: align(entry.Size, 4), Size: 4, Signed: true,
	})}
}

// Size is the size of a record of this system with these fields, of which a
// format file tells the places only: it ends with the last field, and without
// arguments where the first would be.
func Size(fields []tpinfo.Field, word int) tpinfo.Bytes {
	if len(fields) == 0 {
		return tpinfo.Unknown
	}
	last := fields[len(fields)-1]
	if last.Location != tpinfo.InPlace {
		return last.Offset + last.Size
	}
	return align(last.Offset+last.Size, tpinfo.Bytes(word))
}

func align(at, to tpinfo.Bytes) tpinfo.Bytes { return (at + to - 1) / to * to }

// spell writes a type as all others are; what cannot be spelled better stays
// as the kernel's macro has it.
func spell(typ string) string {
	if e, err := tpinfo.ParseExpr(typ); err == nil {
		return e.String()
	}
	return typ
}

// doubts says where calls may be missing or may not be part of the kernel.
func doubts(u *unit, a *answer, unsure []string) []tpinfo.Problem {
	var all []tpinfo.Problem
	add := func(subject, format string, args ...any) {
		all = append(all, tpinfo.Problem{Code: tpinfo.InputSkipped, Subject: subject, Message: fmt.Sprintf(format, args...)})
	}
	for _, file := range slices.Sorted(maps.Keys(u.bad)) {
		add(file, "its system calls are not known: %s", u.bad[file])
	}
	for _, pair := range a.undefined {
		add(pair[0], "which of its system calls there are depends on %s, which no header read here defines", pair[1])
	}
	for _, reason := range unsure {
		add("", "there may be more system calls than found: %s", reason)
	}
	return all
}
