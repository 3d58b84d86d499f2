package compiler_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// loads are things to do while a script of fixtures/scripts watches; each
// returns what the script then shows, a regular expression.
var loads = map[string]func(t *testing.T, dir string) string{
	"pagecache":  addPages,
	"runqlat":    naps,
	"biolat":     directWrites,
	"syscalls":   func(*testing.T, string) string { return fmt.Sprintf(`(?m)^sh +\d+ kill +%d$`, kills) },
	"tcpretrans": refusedHandshake,
	"drops":      noListener,
	"futex":      waitInVain,
	"signals":    signal,
	"pagefaults": touchPages,
	"softirqs": func(*testing.T, string) string {
		time.Sleep(300 * time.Millisecond)
		return `(?m)^(TIMER|SCHED) +[1-9]`
	},
	"timers":    func(t *testing.T, dir string) string { naps(t, dir); return `(?m)^ +\d+  hrtimer_wakeup +sleep$` },
	"writeback": writeBack,
	"execs":     execute,
	"irqlat":    func(t *testing.T, dir string) string { directWrites(t, dir); return `(?m)^irq \d+, [^:]+: [1-9]` },
	"profile":   spin,
}

// kills is how many system calls of that name the command makes.
const kills = 7

// Each script shows what is done meanwhile, to the number where that is known.
func TestScriptsShow(t *testing.T) {
	tier.Need(t, tier.Machine)
	meta := thisKernel(t)
	for name, text := range scripts(t) {
		if lacks(name, meta.Identity().Release) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text = strings.Replace(text, "timer.s(30)", "end", 1)
			// On a machine that has much to do others are among the first.
			text = limit.ReplaceAllString(text, "limit 1000")
			out, want := watch(t, compileText(t, meta, name, text, compiler.Options{}), loads[name])
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("it does not show %s:\n%s", want, out)
			}
			checkHistograms(t, out)
		})
	}
}

// watch runs an object from before a load starts until it has ended, and
// returns what was printed, and what the load says of it.
func watch(t *testing.T, data []byte, load func(*testing.T, string) string) (out, want string) {
	t.Helper()
	file, err := object.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	attached, ended := filepath.Join(dir, "attached"), filepath.Join(dir, "ended")
	for _, fifo := range []string{attached, ended} {
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The command starts when all probes are attached.
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		if _, err := os.ReadFile(attached); err != nil {
			t.Error(err)
		}
		want = load(t, dir)
		if err := os.WriteFile(ended, []byte("x\n"), 0o600); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		// Where the command came to nothing, its other ends are opened here.
		for _, fifo := range []string{attached, ended} {
			if f, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil {
				f.Close()
			}
		}
		<-loaded
	})
	command := strings.Repeat("kill -0 $$; ", kills) + "echo >" + attached + "; read x <" + ended
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	var printed, errs bytes.Buffer
	res, err := runner.Run(ctx, file, runner.Options{Stdout: &printed, Stderr: &errs, Command: []string{"/bin/sh", "-c", command}})
	if err != nil || ctx.Err() != nil || errs.Len() > 0 {
		t.Fatalf("%v %v\n%s%s", err, ctx.Err(), printed.String(), errs.String())
	}
	<-loaded
	for _, w := range res.Warnings() {
		t.Errorf("warning: %s", w)
	}
	return printed.String(), want
}

var (
	limit   = regexp.MustCompile(`\blimit \d+`)
	counted = regexp.MustCompile(`\b(\d+) (?:waits|requests|times)\b`)
	bucket  = regexp.MustCompile(`^ *-?\d+ \|@* +(\d+)$`)
)

// checkHistograms holds the sum of each histogram's buckets against the count
// in the line in front of it.
func checkHistograms(t *testing.T, out string) {
	t.Helper()
	want, sum := -1, 0
	for _, line := range append(strings.Split(out, "\n"), "") {
		if m := counted.FindStringSubmatch(line); m != nil {
			want, _ = strconv.Atoi(m[1])
			sum = 0
		} else if m := bucket.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			sum += n
		} else if line == "" && want >= 0 {
			if sum != want {
				t.Errorf("a histogram of %d has buckets of %d:\n%s", want, sum, out)
			}
			want = -1
		}
	}
}

// do runs a command and returns its process.
func do(t *testing.T, name string, args ...string) int {
	cmd := exec.CommandContext(t.Context(), name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", cmd, err, out)
		return 0
	}
	return cmd.Process.Pid
}

func addPages(t *testing.T, dir string) string {
	const pages = 20000
	pid := do(t, "dd", "if=/dev/zero", "of="+filepath.Join(dir, "file"), "bs=4096", "count="+strconv.Itoa(pages))
	return fmt.Sprintf(`^Pid %d added %d pages\n$`, pid, pages)
}

func naps(t *testing.T, _ string) string {
	do(t, "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 0.01; done")
	return `^\d+ waits for a CPU, in us: average \d+, longest \d+\n`
}

func directWrites(t *testing.T, dir string) string {
	do(t, "dd", "if=/dev/zero", "of="+filepath.Join(dir, "file"), "bs=4096", "count=20", "oflag=direct")
	return `^\d+ requests of \d+ KB, in us: average \d+, longest \d+\n`
}

// refusedHandshake connects to a socket whose queue is full, so that the first
// segment is sent again a second later.
func refusedHandshake(t *testing.T, _ string) string {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer unix.Close(listener)
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(listener, local); err != nil {
		t.Error(err)
	}
	if err := unix.Listen(listener, 0); err != nil {
		t.Error(err)
	}
	name, err := unix.Getsockname(listener)
	if err != nil {
		t.Error(err)
	}
	var from []string
	for range 3 {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		defer unix.Close(s)
		_ = unix.Connect(s, name) // in progress
		if own, err := unix.Getsockname(s); err == nil {
			from = append(from, strconv.Itoa(own.(*unix.SockaddrInet4).Port))
		}
	}
	time.Sleep(1300 * time.Millisecond)
	return fmt.Sprintf(`(?m)^127\.0\.0\.1:(%s) -> 127\.0\.0\.1:%d, state 2$`, strings.Join(from, "|"), name.(*unix.SockaddrInet4).Port)
}

func noListener(t *testing.T, _ string) string {
	if c, err := net.Dial("tcp", "127.0.0.1:1"); err == nil {
		t.Error(c.Close(), "something listens on port 1")
	}
	// SKB_DROP_REASON_NO_SOCKET, which is 3 from 5.17 on (include/net/dropreason.h).
	return `(?m)^ +[1-9]\d*  +3  tcp_v4_rcv\+0x`
}

func waitInVain(t *testing.T, _ string) string {
	var lock uint32
	timeout := unix.NsecToTimespec(int64(20 * time.Millisecond))
	for range 5 {
		const wait = 128 // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
		_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&lock)), wait, 0, uintptr(unsafe.Pointer(&timeout)), 0, 0)
		if errno != unix.ETIMEDOUT {
			t.Error(errno)
		}
	}
	return fmt.Sprintf(`(?m)^compiler\.test +%d +%x +5 +\d{5,} +\d{6,}$`, os.Getpid(), uintptr(unsafe.Pointer(&lock)))
}

func signal(t *testing.T, _ string) string {
	receiver := exec.CommandContext(t.Context(), "sleep", "10")
	if err := receiver.Start(); err != nil {
		t.Error(err)
		return ""
	}
	if err := receiver.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Error(err)
	}
	_ = receiver.Wait()
	return fmt.Sprintf(`(?m)^compiler\.test +%d +10  \S+ +%d\n(?s:.*)^sleep +%d +17  compiler\.test +%d$`, os.Getpid(), receiver.Process.Pid, receiver.Process.Pid, os.Getpid())
}

func touchPages(t *testing.T, _ string) string {
	const pages = 6000
	mem, err := unix.Mmap(-1, 0, pages*4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Error(err)
		return ""
	}
	if err := unix.Madvise(mem, unix.MADV_NOHUGEPAGE); err != nil {
		t.Error(err)
	}
	for i := 0; i < len(mem); i += 4096 {
		mem[i] = 1
	}
	if err := unix.Munmap(mem); err != nil {
		t.Error(err)
	}
	// And what the test itself touches first meanwhile.
	return fmt.Sprintf(`(?m)^compiler\.test +%d +6\d{3} +6\d{3}$`, os.Getpid())
}

func writeBack(t *testing.T, dir string) string {
	name := filepath.Join(dir, "file")
	do(t, "dd", "if=/dev/zero", "of="+name, "bs=4096", "count=1000")
	do(t, "sync", "-f", name)
	info, err := os.Stat(name)
	if err != nil {
		t.Error(err)
		return ""
	}
	return fmt.Sprintf(`(?m)^\S+ +%d +\d+ +1000$`, info.Sys().(*syscall.Stat_t).Ino)
}

func execute(t *testing.T, _ string) string {
	pid := do(t, "/usr/bin/env", "true")
	return fmt.Sprintf(`(?m)^%d env /usr/bin/env\n(?s:.*)^%d true (/usr/bin|/bin)/true$`, pid, pid)
}

// spin keeps a CPU busy, in the kernel for a good part.
func spin(*testing.T, string) string {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for start := time.Now(); time.Since(start) < time.Second; {
		for range 100 {
			_, _, _ = unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	}
	return `(?m)^\d+ samples of compiler\.test$`
}
