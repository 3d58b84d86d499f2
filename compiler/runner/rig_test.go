package runner

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/codegen"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// These tell this program, started again as the command of a run, to make so
// many system calls of the kind that probes here look for, from two threads, and
// at most how many a second; 0 for as fast as it goes.
const (
	loadCalls = "TPINFO_TEST_CALLS"
	loadPace  = "TPINFO_TEST_PACE"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "load" {
		calls, _ := strconv.Atoi(os.Getenv(loadCalls))
		pace, _ := strconv.Atoi(os.Getenv(loadPace))
		makeCalls(calls, pace)
		return
	}
	goleak.VerifyTestMain(m)
}

const threads = 2

// makeCalls waits busily where it has to, so that it loads two CPUs.
func makeCalls(calls, pace int) {
	var wait sync.WaitGroup
	for thread := range threads {
		wait.Go(func() {
			start := time.Now()
			for i := range (calls + thread) / threads {
				for pace > 0 && time.Since(start) < time.Duration(i)*time.Second*threads/time.Duration(pace) {
				}
				_, _ = unix.Getpgid(0)
			}
		})
	}
	wait.Wait()
}

// callsOf is the command that makes n of the calls, so many a second.
func callsOf(t *testing.T, n, pace int) []string {
	t.Helper()
	t.Setenv(loadCalls, strconv.Itoa(n))
	t.Setenv(loadPace, strconv.Itoa(pace))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "load"}
}

// script builds a program.
type script struct{ ir.Program }

func newScript(t *testing.T) *script {
	t.Helper()
	here, err := ThisTarget()
	if err != nil {
		t.Fatal(err)
	}
	return &script{ir.Program{
		Version: ir.Version, Name: "t.stp", StringSize: 64, DataSize: ir.ControlSize,
		Kernel: tpinfo.Kernel{Release: here.Release, Arch: here.Arch, ByteOrder: here.ByteOrder, WordSize: 8},
	}}
}

// scalar, array and stats declare globals.
func (s *script) scalar(name string, init int64) *ir.Node {
	g := ir.Global{Name: name, Type: ir.Long, Size: 8, Offset: s.DataSize, Line: 1, Column: 1}
	if init != 0 {
		g.Init = number(init)
	}
	s.Globals = append(s.Globals, g)
	s.DataSize += 8
	return &ir.Node{Op: ir.GetGlo, Type: ir.Long, Int: int64(len(s.Globals) - 1)}
}

func (s *script) array(name string, max int) func(keys ...*ir.Node) *ir.Node {
	s.Globals = append(s.Globals, ir.Global{Name: name, Type: ir.Long, Size: 8, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: max, Line: 2, Column: 8})
	index := int64(len(s.Globals) - 1)
	return func(keys ...*ir.Node) *ir.Node {
		return &ir.Node{Op: ir.Elem, Type: ir.Long, Int: index, Args: keys}
	}
}

func (s *script) stats(name string, a ir.Aggregate) *ir.Node {
	s.Globals = append(s.Globals, ir.Global{Name: name, Type: ir.Stats, Size: a.Layout().Size, Stats: &a, Line: 1, Column: 1})
	return &ir.Node{Op: ir.GetGlo, Type: ir.Stats, Int: int64(len(s.Globals) - 1)}
}

// probe adds a probe; one in the kernel gets a program.
func (s *script) probe(p ir.Probe, body ...*ir.Node) {
	if p.Kind.InKernel() {
		p.Program = fmt.Sprintf("tprunner_%d", len(s.Probes))
	}
	if p.Point == "" {
		p.Point = string(p.Kind)
	}
	p.Line, p.Column = len(s.Probes)+1, 1
	p.Body = block(body...)
	s.Probes = append(s.Probes, p)
}

// calls is the probe of the system call that loads make.
func (s *script) calls(body ...*ir.Node) {
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "sys_enter", Point: `kernel.trace("sys_enter")`},
		&ir.Node{Op: ir.If, Args: []*ir.Node{
			long(ir.AndAnd,
				long(ir.Eq, &ir.Node{Op: ir.Arg, Type: ir.Long, Int: 8, Mem: &ir.Mem{Size: 8, Signed: true}}, number(unix.SYS_GETPGID)),
				long(ir.Eq, call("pid"), call("target"))),
			block(body...),
		}})
}

// print is printf("TEXT %d %d\n", …).
func (s *script) print(text string, args ...*ir.Node) *ir.Node {
	site := ir.Site{Line: len(s.Sites) + 1, Column: 3, Parts: []ir.Part{literal(text)}}
	for range args {
		site.Parts = append(site.Parts, literal(" "), ir.Part{Verb: 'd', Width: ir.NoNumber, Prec: ir.NoNumber})
		site.Slots = append(site.Slots, ir.Slot{Type: ir.Long, Size: 8})
	}
	site.Parts = append(site.Parts, literal("\n"))
	s.Sites = append(s.Sites, site)
	return &ir.Node{Op: ir.Print, Int: int64(len(s.Sites) - 1), Args: args, Line: site.Line, Column: site.Column}
}

func (s *script) fail(text string) *ir.Node {
	s.Sites = append(s.Sites, ir.Site{Line: 7, Column: 5,
		Parts: []ir.Part{{Verb: 's', Width: ir.NoNumber, Prec: ir.NoNumber}},
		Slots: []ir.Slot{{Type: ir.String, Size: 64}}})
	return &ir.Node{Op: ir.Fail, Int: int64(len(s.Sites) - 1), Line: 7, Column: 5,
		Args: []*ir.Node{{Op: ir.Text, Type: ir.String, Str: text, Size: 64}}}
}

func literal(s string) ir.Part { return ir.Part{Text: s, Width: ir.NoNumber, Prec: ir.NoNumber} }
func number(n int64) *ir.Node  { return &ir.Node{Op: ir.Const, Type: ir.Long, Int: n} }
func long(op ir.Op, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: op, Type: ir.Long, Args: args, Line: 9, Column: 4}
}
func call(name string) *ir.Node       { return &ir.Node{Op: ir.Builtin, Type: ir.Long, Str: name} }
func block(list ...*ir.Node) *ir.Node { return &ir.Node{Op: ir.Block, Args: list} }
func exit() *ir.Node                  { return &ir.Node{Op: ir.Exit} }

func increase(to *ir.Node) *ir.Node {
	n := long(ir.Update, to, number(1))
	n.How = ir.Add
	return &ir.Node{Op: ir.Eval, Args: []*ir.Node{n}}
}

func add(to, value *ir.Node) *ir.Node {
	return &ir.Node{Op: ir.StatAdd, Args: []*ir.Node{to, value}, Line: 9, Column: 4}
}

func stat(of *ir.Node, what string) *ir.Node {
	n := long(ir.Stat, of)
	n.Str = what
	return n
}

// compile makes an object, by way of its file.
func (s *script) compile(t *testing.T) *object.File {
	t.Helper()
	o, err := codegen.Generate(&s.Program, &diag.Source{Name: s.Name, Text: strings.Repeat("a line of the script\n", 20)})
	if err != nil {
		t.Fatal(err)
	}
	var image bytes.Buffer
	if err := o.Write(&image); err != nil {
		t.Fatal(err)
	}
	file, err := object.Read(image.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs a script and returns what it printed.
func (s *script) run(t *testing.T, opt Options) (stdout, stderr string, result Result) {
	t.Helper()
	var out, errs bytes.Buffer
	opt.Stdout, opt.Stderr = &out, &errs
	if opt.Timeout == 0 { // so that no failure hangs
		opt.Timeout = time.Minute
	}
	result, err := Run(t.Context(), s.compile(t), opt)
	if err != nil {
		t.Fatalf("run: %v\n%s", err, errs.String())
	}
	return out.String(), errs.String(), result
}
