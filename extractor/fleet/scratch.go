package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Scratch is a folder for what a run unpacks and compiles. It is this
// process's as long as it lives: what a process that was killed left behind is
// removed by the next one.
type Scratch struct {
	Dir  string
	lock *os.File
}

// A scratch folder has a name like tpinfo-fleet-123, and beside it a lock of
// that name with .lock behind it. The lock is there before the folder and after
// it, so that whatever is left of either is found.
const (
	scratchPrefix = "tpinfo-fleet-"
	scratchLock   = ".lock"
)

// NewScratch makes a scratch folder below dir, which is the system's folder for
// temporary files where it is empty, and removes those that nobody holds any
// more.
func NewScratch(dir string) (*Scratch, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	sweep(dir)
	for {
		lock, err := os.CreateTemp(dir, scratchPrefix+"*"+scratchLock)
		if err != nil {
			return nil, fmt.Errorf("scratch folder: %w; set TMPDIR to a folder with room for some hundred megabytes", err)
		}
		s := &Scratch{Dir: strings.TrimSuffix(lock.Name(), scratchLock), lock: lock}
		if !hold(lock) {
			// Somebody's sweep was faster, and removes it.
			lock.Close()
			continue
		}
		if err := os.Mkdir(s.Dir, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("scratch folder: %w", err), s.Close())
		}
		return s, nil
	}
}

// hold takes a lock that has its name still; a lock goes with its process.
func hold(lock *os.File) bool {
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false
	}
	mine, err := lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(lock.Name())
	return err == nil && os.SameFile(mine, named)
}

// Close removes the folder with all that is in it.
func (s *Scratch) Close() error {
	return errors.Join(os.RemoveAll(s.Dir), os.Remove(s.lock.Name()), s.lock.Close())
}

// sweep removes the scratch folders of processes that are gone. One that
// cannot be removed, as somebody else's, is no business of this run.
func sweep(dir string) {
	locks, err := filepath.Glob(filepath.Join(dir, scratchPrefix+"*"+scratchLock))
	if err != nil {
		return
	}
	for _, path := range locks {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if hold(f) && os.RemoveAll(strings.TrimSuffix(path, scratchLock)) == nil {
			_ = os.Remove(path)
		}
		f.Close()
	}
}
