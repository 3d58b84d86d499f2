package compiler_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// What both print of one event: chains of pointers, bitfields, members of
// members, texts. bpftrace reads its layouts from the kernel's own BTF.
const (
	ourValues = `probe kernel.trace("signal_generate") {
  if ($sig != 28 || pid() != target()) next
  t = @cast(task_current(), "task_struct")
  printf("%d %d %d %d %d %s|%d %d %d %d %d|%d %d|%s|%d %d|%d\n",
    $sig, $task->pid, $group, $result, t->real_parent->tgid, execname(),
    t->start_time, t->static_prio, t->policy, t->mm->map_count, t->signal->nr_threads,
    t->in_execve, t->sched_reset_on_fork, kernel_string(t->nsproxy->uts_ns->name->nodename),
    t->files->fdt->max_fds, t->cred->uid->val, t->mm->start_stack)
}`
	theirValues = `BEGIN { printf("ready\n"); }
tracepoint:signal:signal_generate /args->sig == 28 && comm == "sh"/ {
  $t = (struct task_struct *)curtask;
  printf("%d %d %d %d %d %s|", args->sig, args->pid, args->group, args->result, $t->real_parent->tgid, comm);
  printf("%lld %d %d %d %d|", $t->start_time, $t->static_prio, $t->policy, $t->mm->map_count, $t->signal->nr_threads);
  printf("%d %d|%s|", $t->in_execve, $t->sched_reset_on_fork, $t->nsproxy->uts_ns->name.nodename);
  printf("%d %d|%lld\n", $t->files->fdt->max_fds, $t->cred->uid.val, $t->mm->start_stack);
}`
)

// The values that a probe reads are those that bpftrace reads at the same event.
func TestAgainstBpftrace(t *testing.T) {
	tier.Need(t, tier.Machine)
	tier.NeedTool(t, "bpftrace", "bpftrace")
	bpftrace := exec.Command("bpftrace", "-B", "line", "-e", theirValues)
	pipe, err := bpftrace.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bpftrace.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(pipe); s.Scan(); {
			lines <- s.Text()
		}
	}()
	defer func() {
		if err := bpftrace.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for range lines { // until it has ended
		}
		if err := bpftrace.Wait(); err != nil {
			t.Logf("bpftrace: %v", err)
		}
	}()
	// line is bpftrace's next line, "" when it says nothing for long.
	line := func() string {
		select {
		case l := <-lines:
			return l
		case <-time.After(time.Minute):
			return ""
		}
	}
	for l := ""; l != "ready"; {
		if l = line(); l == "" {
			t.Fatal("bpftrace does not start")
		}
	}
	file, err := object.Read(compileText(t, thisKernel(t), "t.stp", ourValues, compiler.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var ours, errs bytes.Buffer
	_, err = runner.Run(t.Context(), file, runner.Options{
		Stdout: &ours, Stderr: &errs,
		Command: []string{"/bin/sh", "-c", "i=0; while [ $i -lt 50 ]; do kill -WINCH $$; i=$((i+1)); done"},
	})
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v; %s", err, errs.String())
	}
	printed := strings.Split(strings.TrimSpace(ours.String()), "\n")
	if len(printed) != 50 {
		t.Fatalf("%d lines of 50:\n%s", len(printed), ours.String())
	}
	for _, got := range printed {
		if want := line(); got != want {
			t.Errorf("tpinfo prints %s, bpftrace prints %s", got, want)
		}
	}
}
