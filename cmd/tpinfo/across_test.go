package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// What is known to have changed from 5.10 to 6.1 is told by diff and history,
// and a script that steps on it is told so by check.
func TestAcrossRealKernels(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	cache := filepath.Join(t.TempDir(), "cache.db")
	tpinfo := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		status := run(t.Context(), append(args, "--cache", cache), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if status != want {
			t.Fatalf("tpinfo %q: status %d, want %d\n%s%s", args, status, want, &out, &errs)
		}
		return out.String()
	}
	has := func(text string, lines ...string) {
		t.Helper()
		for _, l := range lines {
			if !strings.Contains("\n"+text, "\n"+l+"\n") {
				t.Errorf("no line %q in\n%.3000s", l, text)
			}
		}
	}
	old := kernels.Get(t, kernels.Spec{Series: "5.10"}, kernels.Headers)
	late := kernels.Get(t, kernels.Spec{Series: "6.1"}, kernels.Headers)
	tpinfo(exitDone, "extract", "-q", old.Build, late.Build)

	diff := tpinfo(exitFailed, "diff", "--exit-code", "5.10*", "6.1.*", "sched:*", "block:block_rq_complete")
	has(diff,
		"sched:sched_switch       argument prev_state added (unsigned int, 4th)",
		"block:block_rq_complete  argument error retyped from int to blk_status_t, resized from 4 bytes to 1 byte, now unsigned",
	)
	if types := tpinfo(exitDone, "diff", "5.10*", "6.1.*", "--type", "task_struct"); !strings.Contains(types, "member state removed (volatile long, 8 bytes at ") ||
		!strings.Contains(types, "member __state added (unsigned int, 4 bytes at ") {
		t.Errorf("task_struct: state did not become __state in\n%.2000s", types)
	}
	has(tpinfo(exitDone, "history", "sched_switch"),
		"sched:sched_switch  in 2 of 2 kernels, 2 layouts",
		"  (bool preempt, struct task_struct *prev, struct task_struct *next)",
		"  argument prev_state added (unsigned int, 4th)")

	check := tpinfo(exitFailed, "check", "-e", `probe kernel.trace("sched_switch") { println($prev->__state) } probe kernel.trace("block_rq_complete") { println($error) }`)
	for _, want := range []string{
		`error: struct task_struct has no member "__state"`, "here it is perhaps state: write @choose_defined($prev->__state, $prev->state)",
		"warning: argument error of block_rq_complete is a signed number of 4 bytes (int), and an unsigned number of 1 byte (blk_status_t) on 6.1.",
		"means the same on 1, something else on 0, does not compile for 1",
	} {
		if !strings.Contains(check, want) {
			t.Errorf("no %q in\n%s", want, check)
		}
	}
	tpinfo(exitDone, "check", "-e", `probe kernel.trace("sched_switch") { println(@choose_defined($prev->__state, $prev->state)) }`)
}

// Questions across the kernels of a real cache, whole program without its start:
// TPINFO_FLEET names the file.
func BenchmarkAcross(b *testing.B) {
	cache := os.Getenv("TPINFO_FLEET")
	if cache == "" {
		b.Skip("TPINFO_FLEET names no cache")
	}
	script := filepath.Join(b.TempDir(), "ten.stp")
	var text strings.Builder
	for _, probe := range []string{
		`"sched:sched_switch") { runs[$prev->pid]++ }`, `"sched:sched_wakeup*") { runs[$p->pid]++ }`, `"block:block_rq_issue") { sizes <<< $rq->__data_len }`,
		`"block:block_rq_complete") { errors[$error]++ }`, `"irq:irq_handler_entry") { printf("%s\n", kernel_string($action->name)) }`,
		`"kmem:kmalloc") { sizes <<< $bytes_alloc }`, `"tcp:tcp_retransmit_skb") { sizes <<< $skb->len }`, `"timer:hrtimer_init")!, kernel.trace("timer:hrtimer_setup") { errors[$mode]++ }`,
		`"task:task_newtask") { printf("%s %d\n", kernel_string($task->comm), $clone_flags) }`, `"signal:signal_deliver") { errors[$sig]++ }`,
	} {
		fmt.Fprintf(&text, "probe kernel.trace(%s\n", probe)
	}
	if err := os.WriteFile(script, []byte("global runs, sizes, errors\n"+text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	if status := run(b.Context(), []string{"kernels", "--cache", cache}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); status != exitDone {
		b.Fatal(out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	newest, _, _ := strings.Cut(lines[1], " ")
	oldest, _, _ := strings.Cut(lines[len(lines)-1], " ")
	for name, args := range map[string][]string{
		"diff": {"diff", oldest, newest}, "history": {"history", "block:block_rq_complete"}, "check": {"check", script},
	} {
		b.Run(fmt.Sprintf("%s/%d kernels", name, len(lines)-1), func(b *testing.B) {
			for b.Loop() {
				out.Reset()
				if status := run(b.Context(), append(args, "--cache", cache), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); status > exitFailed || out.Len() < 200 {
					b.Fatalf("status %d: %s", status, &out)
				}
			}
		})
	}
}
