package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/codegen"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// asTprun makes this test binary behave as the program.
const asTprun = "TPINFO_TEST_TPRUN"

func TestMain(m *testing.M) {
	if os.Getenv(asTprun) != "" {
		main()
	}
	os.Exit(m.Run())
}

// tprun prepares the program with arguments.
func tprun(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asTprun+"=1")
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// expect runs a prepared program to its end.
func expect(t *testing.T, cmd *exec.Cmd, stdout, stderr *bytes.Buffer, status int, out, errs string) {
	t.Helper()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status || stdout.String() != out || stderr.String() != errs {
		t.Errorf("status %d, %q, %q\nwant %d, %q, %q", got, stdout, stderr, status, out, errs)
	}
}

// write compiles probes to a file.
func write(t *testing.T, name string, probes []ir.Probe, sites ...ir.Site) string {
	t.Helper()
	here, err := runner.ThisTarget()
	if err != nil {
		t.Fatal(err)
	}
	for i := range probes {
		probes[i].Line, probes[i].Column, probes[i].Point = i+1, 1, string(probes[i].Kind)
	}
	p := &ir.Program{
		Version: ir.Version, Name: name + ".stp", StringSize: 64, DataSize: ir.ControlSize, Probes: probes, Sites: sites,
		Kernel: tpinfo.Kernel{Release: here.Release, Arch: here.Arch, ByteOrder: here.ByteOrder, WordSize: 8},
	}
	o, err := codegen.Generate(p, &diag.Source{Name: p.Name, Text: "a line\nanother\n"})
	if err != nil {
		t.Fatal(err)
	}
	var image bytes.Buffer
	if err := o.Write(&image); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".o")
	if err := os.WriteFile(file, image.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func text(s string) ir.Site {
	return ir.Site{Line: 1, Column: 9, Parts: []ir.Part{{Text: s, Width: ir.NoNumber, Prec: ir.NoNumber}}}
}

func printSite(n int64) *ir.Node { return &ir.Node{Op: ir.Print, Int: n} }

func block(list ...*ir.Node) *ir.Node { return &ir.Node{Op: ir.Block, Args: list} }

// hello is a script that needs no privileges: it says hello, waits, says bye.
func hello(t *testing.T) string {
	return write(t, "hello", []ir.Probe{
		{Kind: ir.Begin, Body: block(printSite(0))},
		{Kind: ir.End, Body: block(printSite(1))},
	}, text("hello\n"), text("bye\n"))
}

func TestStatus(t *testing.T) {
	object := hello(t)
	failing := write(t, "failing", []ir.Probe{{Kind: ir.Begin, Body: block(&ir.Node{Op: ir.Fail, Int: 0, Line: 1, Column: 9,
		Args: []*ir.Node{{Op: ir.Text, Type: ir.String, Str: "no luck", Size: 8}}})}},
		ir.Site{Line: 1, Column: 9, Parts: []ir.Part{{Verb: 's', Width: ir.NoNumber, Prec: ir.NoNumber}}, Slots: []ir.Slot{{Type: ir.String, Size: 8}}})
	whole, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.o")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		args      []string
		stdin     []byte
		status    int
		out, errs string
	}{
		{"done", []string{"--timeout", "10ms", object}, nil, 0, "hello\nbye\n", ""},
		{"standard input", []string{"--timeout", "10ms", "-"}, whole, 0, "hello\nbye\n", ""},
		{"the end of standard input", []string{"--stdin", strconv.Itoa(len(whole))}, whole, 0, "hello\nbye\n", ""},
		{"less than announced", []string{"--stdin", strconv.Itoa(len(whole))}, whole[:20], 1, "",
			"tprun: read standard input: unexpected EOF: 20 of " + strconv.Itoa(len(whole)) + " bytes came\n"},
		{"a command", []string{"-c", "sh -c 'echo command; exit 4'", object}, nil, 0, "hello\ncommand\nbye\n", ""},
		{"an error of the script", []string{failing}, nil, 1, "", "failing.stp:1:9: error: no luck\n"},
		{"usage", []string{"--timeout", "soon", object}, nil, 2, "",
			"tprun: invalid value \"soon\" for flag -timeout: parse error\nTry \"tprun -h\".\n"},
		{"help", []string{"-h"}, nil, 0, usage, ""},
		{"no such file", []string{"/no/such/file"}, nil, 1, "", "tprun: open /no/such/file: no such file or directory\n"},
		{"version", []string{"--version"}, nil, 0, "tprun (development)\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, stdout, stderr := tprun(t, c.args...)
			if c.stdin != nil {
				cmd.Stdin = bytes.NewReader(c.stdin)
			}
			expect(t, cmd, stdout, stderr, c.status, c.out, c.errs)
		})
	}
	cmd, stdout, stderr := tprun(t, cut)
	if err := cmd.Run(); err == nil || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "tprun: "+cut+": ") {
		t.Errorf("a cut object: %v, %q, %q", err, stdout, stderr)
	}
	cmd, stdout, stderr = tprun(t, "--describe", object)
	if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), "hello.stp") || stderr.Len() > 0 {
		t.Errorf("--describe: %v, %q, %q", err, stdout, stderr)
	}
}

func TestFacts(t *testing.T) {
	release, err := exec.Command("uname", "-r").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd, stdout, _ := tprun(t, "--facts")
	if err := cmd.Run(); err != nil || strings.Count(stdout.String(), "\n") != 1 ||
		!strings.HasPrefix(stdout.String(), `{"release":"`+strings.TrimSpace(string(release))+`","arch":"`) ||
		!strings.Contains(stdout.String(), `,"byte_order":"`) || !strings.Contains(stdout.String(), `,"btf":`) {
		t.Errorf("%v: %q", err, stdout)
	}
}

// waitFor waits for text on a running program's output file.
func waitFor(t *testing.T, file, want string) {
	t.Helper()
	for range 500 {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(file)
	t.Fatalf("no %q: %q", want, text)
}

// start starts a prepared program with its output in a file.
func start(t *testing.T, cmd *exec.Cmd) (file string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return out.Name()
}

func TestSignals(t *testing.T) {
	object := hello(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd, _, _ := tprun(t, object)
		file := start(t, cmd)
		waitFor(t, file, "hello\n")
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", signal, err)
		}
		waitFor(t, file, "hello\nbye\n")
	}
}

// A reader of the output that leaves ends the run in order, and the program as it
// ends any.
func TestReaderLeaves(t *testing.T) {
	object := write(t, "lines", []ir.Probe{
		{Kind: ir.Timer, Interval: int64(time.Millisecond), Body: block(printSite(0))},
		{Kind: ir.End, Body: block(printSite(1))},
	}, text("line\n"), ir.Site{Line: 2, Column: 9, Stderr: true, Parts: text("end\n").Parts})
	cmd, _, stderr := tprun(t, "-c", "sleep 1000; :", object)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	line := make([]byte, 5)
	if n, err := r.Read(line); err != nil || string(line[:n]) != "line\n" {
		t.Errorf("%q, %v", line[:n], err)
	}
	r.Close()
	_ = cmd.Wait() // the state tells
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGPIPE || stderr.String() != "end\n" {
		t.Errorf("%v, %q", cmd.ProcessState, stderr)
	}
}

// marked is the name of a program in the kernel that only this process of the
// tests loads.
var marked = fmt.Sprintf("mark_%d", os.Getpid())

// inKernel are the ids that bpftool lists of a kind, "prog" or "link", where
// the program is one of ours.
func inKernel(t *testing.T, kind string, ours func(name string, program int) bool) (ids []int) {
	t.Helper()
	// It fails where one of the others goes while it lists them.
	var list []byte
	err := errors.New("not tried")
	for tries := 0; err != nil && tries < 100; tries++ {
		list, err = exec.Command("bpftool", "-j", kind, "list").Output()
	}
	if err != nil {
		t.Fatalf("bpftool %s list: %v", kind, err)
	}
	var entries []struct {
		ID      int    `json:"id"`
		Name    string `json:"name"`
		Program int    `json:"prog_id"`
	}
	if err := json.Unmarshal(list, &entries); err != nil {
		t.Fatalf("bpftool %s list: %v", kind, err)
	}
	for _, e := range entries {
		if ours(e.Name, e.Program) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// However a run ends, nothing of it stays in the kernel.
func TestNothingStays(t *testing.T) {
	tier.Need(t, tier.Machine)
	tier.NeedTool(t, "bpftool", "bpftool")
	object := write(t, "mark", []ir.Probe{
		{Kind: ir.RawTracepoint, Event: "sched_switch", Program: marked, Body: block()},
		{Kind: ir.End, Body: block(printSite(0))},
	}, text("bye\n"))
	isMarked := func(name string, _ int) bool { return name == marked }
	for _, signal := range []os.Signal{os.Interrupt, os.Kill} {
		cmd, _, _ := tprun(t, "-v", object)
		file := start(t, cmd)
		waitFor(t, file, "attached")
		programs := inKernel(t, "prog", isMarked)
		links := func() []int {
			return inKernel(t, "link", func(_ string, program int) bool { return slices.Contains(programs, program) })
		}
		if l := links(); len(programs) != 1 || len(l) != 1 {
			t.Errorf("programs %v and links %v while it runs, want one each", programs, l)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		for range 1000 {
			// The kernel frees programs after a grace period.
			if len(inKernel(t, "prog", isMarked)) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if p, l := inKernel(t, "prog", isMarked), links(); len(p) > 0 || len(l) > 0 {
			t.Errorf("%v leaves programs %v and links %v", signal, p, l)
		}
	}
}

// Without privileges the error says which ones are missing.
func TestNoPrivileges(t *testing.T) {
	tier.Need(t, tier.Machine)
	object := write(t, "mark", []ir.Probe{{Kind: ir.RawTracepoint, Event: "sched_switch", Program: marked, Body: block()}})
	// Where nobody may read.
	dir, err := os.MkdirTemp("/tmp", "tprun-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{self: "tprun", object: "mark.o"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd, stdout, stderr := tprun(t, filepath.Join(dir, "mark.o"))
	cmd.Path, cmd.Dir = filepath.Join(dir, "tprun"), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	err = cmd.Run()
	for _, want := range []string{
		"operation not permitted", "this process lacks CAP_BPF and CAP_PERFMON; run it as root (sudo), or once: sudo setcap cap_bpf,cap_perfmon+ep " + cmd.Path + "\n",
	} {
		if err == nil || cmd.ProcessState.ExitCode() != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%v, %q\n%s\nwant %s", err, stdout, stderr, want)
		}
	}
}
