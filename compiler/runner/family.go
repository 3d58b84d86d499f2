package runner

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// family is a process with all that it started: its children and theirs, and the
// members of its process group where it leads one. Whom it has seen once belongs
// to it for good, though the parent may have ended since.
type family struct {
	group int            // 0 for none of its own
	known map[int]uint64 // when each began, by its number
	told  map[int]unix.Signal
}

func newFamily(root int, leads bool) *family {
	f := &family{known: map[int]uint64{}, told: map[int]unix.Signal{}}
	if p, err := readProcess(strconv.Itoa(root)); err == nil { // else it has ended
		f.known[root] = p.began
	}
	if leads {
		f.group = root
	}
	return f
}

// process is what /proc/PID/stat says of one (proc_pid_stat(5)).
type process struct {
	number, parent, group int
	began                 uint64 // in ticks since boot; with the number it is one process's alone
}

// leads reports whether the family has a process group of its own.
func (f *family) leads() bool { return f.group != 0 }

func readProcess(number string) (p process, err error) {
	text, err := os.ReadFile("/proc/" + number + "/stat")
	if err != nil {
		return p, err
	}
	// Behind the name, which may have anything in it, from the state on.
	var state string
	_, rest, _ := bytes.Cut(text[max(bytes.LastIndexByte(text, ')'), 0):], []byte(" "))
	if _, err = fmt.Sscan(string(rest), &state, &p.parent, &p.group); err != nil {
		return p, fmt.Errorf("/proc/%s/stat: %w", number, err)
	}
	if state == "Z" || state == "X" {
		return p, os.ErrProcessDone
	}
	if fields := bytes.Fields(rest); len(fields) > 19 {
		p.began, err = strconv.ParseUint(string(fields[19]), 10, 64)
	}
	if err == nil {
		p.number, err = strconv.Atoi(number)
	}
	return p, err
}

// processes are all that run, the oldest first, without those that have ended and
// were not waited for.
func processes() (all []process, err error) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if c := name.Name()[0]; c < '0' || c > '9' {
			continue
		}
		if p, err := readProcess(name.Name()); err == nil { // else it has just ended
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b process) int {
		return cmp.Or(cmp.Compare(a.began, b.began), cmp.Compare(a.number, b.number))
	})
	return all, nil
}

// alive are those of the family that run, parents before their children.
func (f *family) alive() (numbers []int, err error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	here := map[int]bool{}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			began, known := f.known[p.number]
			known = known && began == p.began
			member := known || here[p.parent] || f.group != 0 && p.group == f.group
			if !member || here[p.number] {
				continue
			}
			here[p.number], grown = true, true
			numbers = append(numbers, p.number)
			if !known { // the number may have been another one's
				f.known[p.number] = p.began
				delete(f.told, p.number)
			}
		}
	}
	return numbers, nil
}

// tell sends each that runs a signal, once, and returns them. A parent has it
// first, so that it does not take the end of its child for the next thing to do.
func (f *family) tell(signal unix.Signal) (numbers []int, err error) {
	numbers, err = f.alive()
	for _, n := range numbers {
		if f.told[n] != signal {
			f.told[n] = signal
			_ = unix.Kill(n, signal) // it may have ended meanwhile
		}
	}
	return numbers, err
}

// end tells the family to end, and those that have not when the patience is over,
// in a way that leaves them no choice. The error names those that run even so.
func (f *family) end(patience time.Duration) error {
	const look = 10 * time.Millisecond
	var numbers []int
	var err error
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		for start := time.Now(); time.Since(start) < patience; time.Sleep(look) {
			if numbers, err = f.tell(signal); err != nil || len(numbers) == 0 {
				return err
			}
		}
	}
	return fmt.Errorf("processes that the command started do not end: %v", numbers)
}

// hasTerminal reports whether this process has a controlling terminal.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
