package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Dump writes a program as indented text, for people and for golden tests. Equal
// programs give equal texts.
func Dump(p *Program) string {
	d := &dumper{p: p}
	for i := range p.Globals {
		d.line(0, "global %s", d.global(&p.Globals[i]))
	}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		params := make([]string, f.Params)
		for j := range params {
			params[j] = dumpLocal(&f.Locals[j])
		}
		d.line(0, "function %s(%s) %s", f.Name, strings.Join(params, ", "), typeAndSize(f.Result, f.Size))
		d.body(f.Locals, f.Params, f.Body)
	}
	for i := range p.Probes {
		d.probe(&p.Probes[i])
	}
	for i := range p.Sites {
		d.line(0, "site %d %s", i, dumpSite(&p.Sites[i]))
	}
	for i := range p.Facts {
		d.line(0, "fact %s", dumpFact(&p.Facts[i]))
	}
	d.line(0, "data %d, strings %d", p.DataSize, p.StringSize)
	return d.text.String()
}

type dumper struct {
	p      *Program
	text   strings.Builder
	locals []Local
}

func (d *dumper) line(depth int, format string, args ...any) {
	d.text.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&d.text, format+"\n", args...)
}

// typeAndSize is a type, of a string with its capacity.
func typeAndSize(t Type, size int) string {
	if t == String {
		return fmt.Sprintf("string(%d)", size)
	}
	return t.String()
}

func dumpLocal(l *Local) string { return l.Name + ":" + typeAndSize(l.Type, l.Size) }

func (d *dumper) global(g *Global) string {
	s := g.Name
	if g.Array() {
		keys := make([]string, len(g.Keys))
		for i, k := range g.Keys {
			size := 0
			if i < len(g.KeySizes) {
				size = g.KeySizes[i]
			}
			keys[i] = typeAndSize(k, size)
		}
		s += "[" + strings.Join(keys, ", ") + "]"
	}
	s += " " + typeAndSize(g.Type, g.Size)
	switch {
	case g.Array() && g.Wraps:
		s += fmt.Sprintf(" max %d wraps", g.Max)
	case g.Array():
		s += fmt.Sprintf(" max %d", g.Max)
	case g.Type != Stats:
		s += fmt.Sprintf(" at %d", g.Offset)
	}
	if g.Init != nil {
		s += " = " + d.expr(g.Init)
	}
	if g.Stats != nil {
		s += dumpAggregate(g.Stats)
	}
	return s
}

func dumpAggregate(a *Aggregate) string {
	s := " count"
	for _, part := range []struct {
		kept bool
		name string
	}{{a.Sum, "sum"}, {a.Min, "min"}, {a.Max, "max"}, {a.Variance, "variance"}, {a.Log, "log"}} {
		if part.kept {
			s += " " + part.name
		}
	}
	if a.Linear {
		s += fmt.Sprintf(" linear(%d, %d, %d)", a.Start, a.Stop, a.Width)
	}
	return s
}

func (d *dumper) probe(p *Probe) {
	s := string(p.Kind) + " " + p.Point
	switch {
	case p.Perf != nil:
		s += fmt.Sprintf(" type %d config %d", p.Perf.Type, p.Perf.Config)
		if p.Perf.Frequency != 0 {
			s += fmt.Sprintf(" frequency %d", p.Perf.Frequency)
		} else {
			s += fmt.Sprintf(" period %d", p.Perf.Period)
		}
	case p.Kind == Timer:
		s += fmt.Sprintf(" every %d", p.Interval)
		if p.Random != 0 {
			s += fmt.Sprintf(" random %d", p.Random)
		}
	case p.Event != "":
		s += " " + p.System + ":" + p.Event
	case p.Priority != 0:
		s += fmt.Sprintf(" priority %d", p.Priority)
	}
	if p.Program != "" {
		s += " program " + p.Program
		if p.Optional {
			s += " optional"
		}
	}
	d.line(0, "probe %s", s)
	d.body(p.Locals, 0, p.Body)
}

func (d *dumper) body(locals []Local, skip int, body *Node) {
	d.locals = locals
	for i := skip; i < len(locals); i++ {
		d.line(1, "local %s", dumpLocal(&locals[i]))
	}
	if body == nil {
		return
	}
	if body.Op != Block {
		d.stmt(1, body)
		return
	}
	for _, s := range body.Args {
		d.stmt(1, s)
	}
}

// stmt writes a statement; one that has others inside writes them below it.
func (d *dumper) stmt(depth int, n *Node) {
	if n == nil {
		return
	}
	arg := func(i int) *Node {
		if i < len(n.Args) {
			return n.Args[i]
		}
		return nil
	}
	switch n.Op {
	case Block:
		d.line(depth, "block")
		for _, s := range n.Args {
			d.stmt(depth+1, s)
		}
	case If:
		d.line(depth, "if %s", d.expr(arg(0)))
		d.stmt(depth+1, arg(1))
		if len(n.Args) > 2 {
			d.line(depth, "else")
			d.stmt(depth+1, arg(2))
		}
	case Loop:
		d.line(depth, "loop while %s step %s", d.expr(arg(0)), d.expr(arg(1)))
		d.stmt(depth+1, arg(2))
	case ForEach:
		d.line(depth, "foreach %s", d.each(n.Each))
		d.stmt(depth+1, arg(0))
	case Try:
		d.line(depth, "try")
		d.stmt(depth+1, arg(0))
		if n.Int >= 0 {
			d.line(depth, "catch %s", d.local(int(n.Int)))
		} else {
			d.line(depth, "catch")
		}
		d.stmt(depth+1, arg(1))
	case Eval:
		d.line(depth, "%s", d.expr(arg(0)))
	default:
		d.line(depth, "%s", d.expr(n))
	}
}

func (d *dumper) each(e *Each) string {
	if e == nil {
		return "nothing"
	}
	keys := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		keys[i] = d.local(k)
	}
	s := "[" + strings.Join(keys, ", ") + "] in " + d.globalName(e.Global)
	if e.Value >= 0 {
		s = d.local(e.Value) + " = " + s
	}
	if e.Slice != nil {
		s += "[" + d.list(e.Slice) + "]"
	}
	if e.Sort >= 0 {
		s += fmt.Sprintf(" sort %d", e.Sort)
		if e.By != "" {
			s += " by " + e.By
		}
		if e.Desc {
			s += " down"
		}
	}
	if e.Limit != nil {
		s += " limit " + d.expr(e.Limit)
	}
	return s
}

func (d *dumper) local(i int) string {
	if i < 0 || i >= len(d.locals) {
		return fmt.Sprintf("local?%d", i)
	}
	return d.locals[i].Name
}

func (d *dumper) globalName(i int) string {
	if i < 0 || i >= len(d.p.Globals) {
		return fmt.Sprintf("global?%d", i)
	}
	return "@" + d.p.Globals[i].Name
}

func (d *dumper) list(nodes []*Node) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = "*"
		if n != nil {
			parts[i] = d.expr(n)
		}
	}
	return strings.Join(parts, ", ")
}

// expr writes an expression as op(operands), names and literals as they are.
func (d *dumper) expr(n *Node) string {
	if n == nil {
		return "-"
	}
	args := d.list(n.Args)
	switch n.Op {
	case Const:
		return strconv.FormatInt(n.Int, 10)
	case Text:
		return strconv.Quote(n.Str)
	case GetLoc:
		return d.local(int(n.Int))
	case GetGlo:
		return d.globalName(int(n.Int))
	case Elem:
		return d.globalName(int(n.Int)) + "[" + args + "]"
	case In:
		return "[" + args + "] in " + d.globalName(int(n.Int))
	case Delete:
		if len(n.Args) == 0 {
			return "delete all " + d.globalName(int(n.Int))
		}
		return "delete " + args
	case Match:
		return fmt.Sprintf("match(%s, %q)", args, n.Str)
	case Update:
		s := fmt.Sprintf("update.%s(%s)", n.How, args)
		if n.Old {
			s = "old " + s
		}
		return s
	case Stat:
		return n.Str + "(" + args + ")"
	case Call:
		if n.Int < 0 || int(n.Int) >= len(d.p.Funcs) {
			return fmt.Sprintf("function?%d(%s)", n.Int, args)
		}
		return d.p.Funcs[n.Int].Name + "(" + args + ")"
	case Builtin:
		return n.Str + "(" + args + ")"
	case Sprint, Print, Histogram, Fail:
		return fmt.Sprintf("%s.%d(%s)", n.Op, n.Int, args)
	case Arg:
		return fmt.Sprintf("arg(%d %s)", n.Int, dumpMem(n.Mem))
	case Load:
		return fmt.Sprintf("load(%s + %d %s)", args, n.Int, dumpMem(n.Mem))
	case ReadText:
		return fmt.Sprintf("readtext(%s, max %d%s)", args, n.Int, userMem(n.Mem))
	case Bytes:
		return fmt.Sprintf("bytes(%s, %d%s)", args, n.Int, userMem(n.Mem))
	case Break, Continue, Next, Exit, Context:
		return string(n.Op)
	default:
		return string(n.Op) + "(" + args + ")"
	}
}

func userMem(m *Mem) string {
	if m != nil && m.User {
		return " user"
	}
	return ""
}

// dumpMem writes a width as "s4" or "u8", a bitfield as "u1:3+2", 2 bits from bit 3 on.
func dumpMem(m *Mem) string {
	if m == nil {
		return "?"
	}
	s := "u"
	if m.Signed {
		s = "s"
	}
	s += strconv.Itoa(m.Size)
	if m.BitSize > 0 {
		s += fmt.Sprintf(":%d+%d", m.BitOffset, m.BitSize)
	}
	return s + userMem(m)
}

func dumpSite(s *Site) string {
	var parts []string
	if s.Stderr {
		parts = append(parts, "stderr")
	}
	if s.Hist != "" {
		parts = append(parts, "hist "+s.Hist)
	}
	for _, p := range s.Parts {
		parts = append(parts, dumpPart(&p))
	}
	slots := make([]string, len(s.Slots))
	for i := range s.Slots {
		slots[i] = dumpSlot(&s.Slots[i])
	}
	return strings.Join(parts, " ") + " (" + strings.Join(slots, ", ") + ")"
}

func dumpPart(p *Part) string {
	if p.Verb == 0 {
		return strconv.Quote(p.Text)
	}
	s := "%"
	for _, flag := range []struct {
		set  bool
		sign string
	}{{p.Minus, "-"}, {p.Plus, "+"}, {p.Space, " "}, {p.Alt, "#"}, {p.Zero, "0"}} {
		if flag.set {
			s += flag.sign
		}
	}
	s += dumpNumber("", p.Width) + dumpNumber(".", p.Prec)
	if p.Bytes > 0 {
		s += strconv.Itoa(p.Bytes)
	}
	return s + string(p.Verb)
}

func dumpNumber(before string, n int) string {
	switch n {
	case NoNumber:
		return ""
	case FromSlot:
		return before + "*"
	}
	return before + strconv.Itoa(n)
}

func dumpSlot(s *Slot) string {
	text := typeAndSize(s.Type, s.Size)
	if s.Type == Void {
		text = fmt.Sprintf("bytes(%d)", s.Size)
	}
	if s.Render != nil {
		text += " as " + dumpRender(s.Render)
	}
	return text
}

func dumpRender(r *Render) string {
	s := ""
	if r.Name != "" {
		s = r.Name + "="
	}
	switch {
	case r.Stack:
		return s + "stack"
	case r.Call != "":
		return s + r.Call + "()"
	case r.Chars > 0:
		return fmt.Sprintf("%schars%d@%d", s, r.Chars, r.Offset)
	case r.Struct || r.Array:
		members := make([]string, 0, len(r.Members)+1)
		for _, m := range r.Members {
			members = append(members, dumpRender(m))
		}
		if r.More {
			members = append(members, "...")
		}
		inside := strings.Join(members, " ")
		if r.Array {
			return s + "[" + inside + "]"
		}
		return s + "{" + inside + "}"
	case r.Mem != nil && r.Pointer:
		return fmt.Sprintf("%sp%d@%d", s, r.Mem.Size, r.Offset)
	case r.Mem != nil:
		return fmt.Sprintf("%s%s@%d", s, dumpMem(r.Mem), r.Offset)
	}
	return s + "?"
}

func dumpFact(f *Fact) string {
	where := f.Type
	switch {
	case f.Record:
		where = f.Event + " record"
	case f.Event != "":
		where = f.Event
	}
	if f.Member == "" {
		return fmt.Sprintf("%s size %d", where, f.Size)
	}
	s := fmt.Sprintf("%s.%s at %d size %d", where, f.Member, f.Offset, f.Size)
	if f.BitSize > 0 {
		s += fmt.Sprintf(" bits %d+%d", f.BitOffset, f.BitSize)
	}
	return s + ": " + f.CType
}
