package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// builtin is a function of ir.Functions as user space runs it. An error of the
// script is a *RuntimeError, whose place the caller fills in.
type builtin struct {
	params []ir.Type
	run    func(t *task, args []Value) (Value, error)
}

// builtins are all functions of ir.Functions that run in user space.
var builtins = map[string]builtin{
	"pid":         number(func(h *Host) int64 { return h.PID }),
	"tid":         number(func(h *Host) int64 { return h.TID }),
	"uid":         number(func(h *Host) int64 { return h.UID }),
	"gid":         number(func(h *Host) int64 { return h.GID }),
	"target":      number(func(h *Host) int64 { return h.Target }),
	"execname":    text(func(h *Host) string { return h.Name }),
	"module_name": text(func(h *Host) string { return h.Module }),

	"cpu":             reading("cpu", func(h *Host) func() int64 { return h.CPU }),
	"ktime_get_ns":    reading("ktime_get_ns", func(h *Host) func() int64 { return h.Monotonic }),
	"gettimeofday_ns": reading("gettimeofday_ns", func(h *Host) func() int64 { return h.Realtime }),
	"get_cycles":      reading("get_cycles", func(h *Host) func() int64 { return h.Cycles }),
	"jiffies":         {nil, (*task).jiffies},
	"randint":         {[]ir.Type{ir.Long}, (*task).randint},
	"ctime":           {[]ir.Type{ir.Long}, (*task).ctime},
	"tz_ctime":        {[]ir.Type{ir.Long}, (*task).tzCtime},

	"strlen":        {[]ir.Type{ir.String}, (*task).strlen},
	"substr":        {[]ir.Type{ir.String, ir.Long, ir.Long}, (*task).substr},
	"stringat":      {[]ir.Type{ir.String, ir.Long}, (*task).stringat},
	"isinstr":       {[]ir.Type{ir.String, ir.String}, (*task).isinstr},
	"strtol":        {[]ir.Type{ir.String, ir.Long}, (*task).strtol},
	"str_replace":   {[]ir.Type{ir.String, ir.String, ir.String}, (*task).strReplace},
	"tokenize":      {[]ir.Type{ir.String, ir.String}, (*task).tokenize},
	"text_str":      {[]ir.Type{ir.String}, (*task).textStr},
	"string_quoted": {[]ir.Type{ir.String}, (*task).stringQuoted},

	"syscall_name": {[]ir.Type{ir.Long}, (*task).syscallName},
	"symname":      {[]ir.Type{ir.Long}, (*task).symname},
	"symdata":      {[]ir.Type{ir.Long}, (*task).symdata},
	"system":       {[]ir.Type{ir.String}, (*task).system},
}

func number(of func(*Host) int64) builtin {
	return builtin{nil, func(t *task, _ []Value) (Value, error) { return Long(of(&t.host)), nil }}
}

func text(of func(*Host) string) builtin {
	return builtin{nil, func(t *task, _ []Value) (Value, error) { return Text(of(&t.host)), nil }}
}

func reading(name string, of func(*Host) func() int64) builtin {
	return builtin{nil, func(t *task, _ []Value) (Value, error) {
		read := of(&t.host)
		if read == nil {
			return Value{}, unavailable(name)
		}
		return Long(read()), nil
	}}
}

func unavailable(name string) error {
	return &RuntimeError{Message: name + "() is not available here"}
}

func (f *frame) builtin(n *ir.Node) (Value, error) {
	b, known := builtins[n.Str]
	if !known || len(n.Args) != len(b.params) {
		return Value{}, damaged(n)
	}
	args := make([]Value, len(n.Args))
	for i, arg := range n.Args {
		v, err := f.eval(arg)
		if err != nil {
			return Value{}, err
		}
		if v.Type != b.params[i] {
			return Value{}, damaged(n)
		}
		args[i] = v
	}
	v, err := b.run(f.task, args)
	if failed := (*RuntimeError)(nil); errors.As(err, &failed) {
		failed.Line, failed.Column = n.Line, n.Column
	}
	return f.fitted(v, n.Size), err
}

// Call makes text of a value that a probe in the kernel sent, with a built-in
// function. It is too late for an error of the script: its message is the text.
func (m *Machine) Call(name string, v Value) (Value, error) {
	b, known := builtins[name]
	if !known || len(b.params) != 1 || b.params[0] != v.Type {
		return Value{}, fmt.Errorf("%s() of a %v; the object is damaged", name, v.Type)
	}
	text, err := b.run(&task{Machine: m, ctx: context.Background()}, []Value{v})
	if failed := (*RuntimeError)(nil); errors.As(err, &failed) {
		return Text(failed.Message), nil
	}
	return text, err
}

func (t *task) jiffies([]Value) (Value, error) {
	if t.host.Jiffies == nil {
		return Value{}, unavailable("jiffies")
	}
	n, err := t.host.Jiffies()
	if err != nil {
		return Value{}, &RuntimeError{Message: err.Error(), Err: err}
	}
	return Long(n), nil
}

func (t *task) randint(args []Value) (Value, error) {
	switch n := args[0].Int; {
	case n < 0:
		return Value{}, &RuntimeError{Message: "range too wide"}
	case n == 0:
		return Long(0), nil
	case t.host.Random == nil:
		return Value{}, unavailable("randint")
	default:
		return Long(t.host.Random(n)), nil
	}
}

// dated checks what SystemTap's ctime takes: seconds that fit 32 bits.
func dated(seconds int64) (time.Time, error) {
	switch {
	case seconds > math.MaxInt32:
		return time.Time{}, &RuntimeError{Message: "Time too far in the future to be converted"}
	case seconds < math.MinInt32:
		return time.Time{}, &RuntimeError{Message: "Time too far in the past to be converted"}
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (t *task) ctime(args []Value) (Value, error) {
	when, err := dated(args[0].Int)
	return Text(when.Format(time.ANSIC)), err
}

func (t *task) tzCtime(args []Value) (Value, error) {
	when, err := dated(args[0].Int)
	if t.host.Zone != nil {
		when = when.In(t.host.Zone)
	}
	return Text(when.Format(time.ANSIC + " MST")), err
}

func (t *task) syscallName(args []Value) (Value, error) {
	return Text(t.host.Printer.SyscallName(args[0].Int)), nil
}

func (t *task) symname(args []Value) (Value, error) {
	return Text(string(t.host.Printer.Symbol(nil, uint64(args[0].Int), false))), nil
}

func (t *task) symdata(args []Value) (Value, error) {
	return Text(string(t.host.Printer.Symbol(nil, uint64(args[0].Int), true))), nil
}

func (t *task) system(args []Value) (Value, error) {
	if t.host.System == nil {
		return Value{}, &RuntimeError{Message: "system() is not allowed; --allow-system allows it"}
	}
	if err := t.host.System(t.ctx, args[0].Str); err != nil {
		return Value{}, fmt.Errorf("system(%q): %w", args[0].Str, err)
	}
	return Value{}, nil
}
