package compiler_test

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// Every event of every series can be shown whole: all of its arguments at once,
// and each pointer to a struct, as an object that can be written.
func TestAllShown(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) { allShown(t, seriesKernel(t, series)) })
	}
}

// The same of this machine's kernel, whose BTF knows far more structs whole.
func TestAllShownHere(t *testing.T) {
	tier.Need(t, tier.Machine)
	allShown(t, thisKernel(t))
}

func allShown(t *testing.T, k *cache.Kernel) {
	events, err := k.Events(t.Context(), "*")
	if err != nil {
		t.Fatal(err)
	}
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	shown := 0
	for i := range events {
		e := &events[i]
		forms := shownForms(e)
		if len(forms) == 0 {
			continue
		}
		shown++
		work.Go(func() error {
			for _, form := range forms {
				text := fmt.Sprintf("probe kernel.trace(%q) { println(%s) }\n", strings.TrimPrefix(e.FullName(), ":"), form)
				o, err := compiler.Compile(t.Context(), &diag.Source{Name: "shown.stp", Text: text}, k, compiler.Options{})
				if err == nil {
					err = o.Write(io.Discard)
				}
				if err != nil {
					t.Errorf("%s%v", text, err)
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	if shown < 1000 {
		t.Errorf("%d of %d events were shown", shown, len(events))
	}
}

// shownForms are what all of an event can be shown by.
func shownForms(e *tpinfo.Tracepoint) []string {
	if e.Args == nil {
		return nil
	}
	forms := []string{"$$parms$", "$$parms$$", "$$vars"}
	for _, a := range e.Args {
		if strings.HasSuffix(a.Type, "*") && strings.Contains(a.Type, "struct ") {
			forms = append(forms, "$"+a.Name+"$", "$"+a.Name+"$$")
		}
	}
	return forms
}

// What is shown of a struct is what its members are, each read by itself.
func TestShownIsWhatMembersAre(t *testing.T) {
	tier.Need(t, tier.Machine)
	k := thisKernel(t)
	for _, of := range []string{
		"$bprm", "$p", "$p->se", "$p->mm", "$p->restart_block", "$p->signal", "$p->cred", "$p->files", "$p->nsproxy", "$p->mm->context",
		"$bprm->file", "$bprm->file->f_inode", "$bprm->file->f_path->dentry", "$p->mm->exe_file",
	} {
		if defined := shownExec(t, k, "printf(\"%d\", @defined("+of+"$))"); defined != "1" {
			t.Logf("%s is not there", of)
			continue
		}
		t.Run(of, func(t *testing.T) { shownIsMembers(t, k, of) })
	}
}

// shownIsMembers compares what is shown of a struct with its members. One that
// changes as it is read may differ, and not each time.
func shownIsMembers(t *testing.T, k *cache.Kernel, of string) {
	var names []string
	for name := range numbersIn(shownExec(t, k, "println("+of+"$)")) {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatal("nothing is shown")
	}
	// Kernels have a limit on what one handler prints.
	const most = 40
	compared := 0
	for part := range slices.Chunk(names, most) {
		script := "println(" + of + "$);"
		for _, name := range part {
			script += fmt.Sprintf(" printf(\".%s=%%d\\n\", %s->%s);", name, of, name)
		}
		differ := map[string]int{}
		const times = 3
		for range times {
			all, each, _ := strings.Cut(shownExec(t, k, script), "\n")
			shown, members := numbersIn(all), numbersIn("{"+strings.ReplaceAll(strings.TrimSpace(each), "\n", ", ")+"}")
			for _, name := range part {
				a, ok := shown[name]
				b, read := members[name]
				if !ok || !read || a != b {
					differ[name]++
				}
				if differ[name] == times {
					t.Errorf("%s: shown as %d (%v), read as %d (%v)", name, a, ok, b, read)
				}
			}
		}
		compared += len(part)
	}
	t.Logf("%d members", compared)
}

// shownExec runs statements in the probe of an exec.
func shownExec(t *testing.T, k *cache.Kernel, body string) string {
	t.Helper()
	e := example{
		name:    "pretty/shown",
		text:    "probe kernel.trace(\"sched_process_exec\") { if (pid() == target() && execname() == \"true\") { " + body + " } }\n",
		options: map[string]string{"command": "exec /bin/true"},
	}
	data, err := e.compile(t, k)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, err := e.run(t, data)
	if err != nil || stdout == "" {
		t.Fatalf("%q %s: %v", stdout, stderr, err)
	}
	return stdout
}

// numbersIn are the numbers among the members of a struct that is shown.
func numbersIn(shown string) map[string]int64 {
	numbers := map[string]int64{}
	depth, from := 0, 0
	quoted := false
	member := func(text string) {
		name, value, ok := strings.Cut(strings.TrimSpace(text), "=")
		if !ok {
			return
		}
		n, err := strconv.ParseInt(value, 0, 64)
		if err != nil {
			var u uint64
			u, err = strconv.ParseUint(value, 0, 64)
			n = int64(u)
		}
		if err == nil {
			numbers[strings.TrimPrefix(name, ".")] = n
		}
	}
	for i := 0; i < len(shown); i++ {
		switch c := shown[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth == 1 {
				from = i + 1
			}
		case c == '}' || c == ']', c == ',' && depth == 1:
			if depth == 1 {
				member(shown[from:i])
				from = i + 1
			}
			if c != ',' {
				depth--
			}
		}
	}
	return numbers
}
