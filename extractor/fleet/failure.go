package fleet

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
)

// failure explains an error as an entry of the ledger.
func failure(task Task, err error) tpinfo.Failure {
	f := tpinfo.Failure{
		Key: task.Key, Release: task.Set.Release, Arch: task.Arch(),
		Subject: subject(task), Reason: oneLine(fault.Reason(err)), Supply: supply(err),
		Tries: 1, When: time.Now().UTC().Truncate(time.Second),
	}
	if _, aerr := kbuild.ArchNamed(task.Set.Arch); errors.Is(err, kbuild.ErrUnknownArch) && aerr != nil && task.Set.Arch != "" {
		f.Reason = aerr.Error()
	}
	var missing *cc.MissingError
	if errors.As(err, &missing) {
		f.Reason = missing.Reason()
	}
	var p *archive.Error
	if errors.As(err, &p) {
		f.Reason = p.Kind.Error() + ": " + p.Reason
		if p.Entry != "" {
			f.Reason = fmt.Sprintf("%v: entry %q: %s", p.Kind, p.Entry, p.Reason)
		}
		if p.Path != "" {
			f.Subject = filepath.Base(p.Path)
		}
	}
	return f
}

// subject is the package or folder that a failure is about where the error
// names none.
func subject(task Task) string {
	if task.Set.Tree != "" {
		return task.Set.Tree
	}
	return filepath.Base(where(task.Set))
}

// remedies says what to do about an error, as the user would type it. The
// first row that fits counts.
var remedies = []struct {
	is     error
	supply []string
}{
	{syscall.ENOSPC, []string{"TMPDIR=DIR, a folder with more room"}},
	{syscall.EDQUOT, []string{"TMPDIR=DIR, a folder with more room"}},
	{syscall.EROFS, []string{"TMPDIR=DIR, a folder that can be written"}},
	{syscall.EACCES, []string{"read access to the file, or TMPDIR=DIR where scratch folders cannot be made"}},
	{syscall.ENOMEM, []string{"-j 1", "--retry"}},
	{kbuild.ErrNotConfigured, []string{"a build tree that was prepared (make olddefconfig prepare)", "the distribution's header package, fetched again"}},
	{compile.ErrOutside, []string{"the package from the distribution's own archive"}},
	{traceheaders.ErrMostFail, []string{"the header package fetched again", "--cc with another compiler, gcc or clang"}},
	{kbuild.ErrNoSource, []string{"the package with the common headers, beside this one"}},
	{kbuild.ErrNoTree, []string{"a header package: linux-headers-RELEASE or kernel-devel"}},
	{kbuild.ErrUnknownArch, []string{"tpinfo extract --btf VMLINUX, the kernel's ELF image with BTF, for arguments and types without records"}},
	{cc.ErrTimeout, []string{"--retry on a machine with less to do"}},
	{ErrTooLong, []string{"--retry on a machine with less to do"}},
	{cc.ErrCrashed, []string{"--cc with another compiler, gcc or clang"}},
}

// supply lists what would help. Errors that know better say it themselves.
func supply(err error) []string {
	var missing *cc.MissingError
	if errors.As(err, &missing) {
		return missing.Supply
	}
	var p *archive.Error
	if errors.As(err, &p) && len(p.Supply) > 0 {
		return p.Supply
	}
	var ours *fault.Error
	if errors.As(err, &ours) {
		return []string{"a report of this fault to tpinfo's authors, with the package"}
	}
	for _, r := range remedies {
		if errors.Is(err, r.is) {
			return r.supply
		}
	}
	return []string{"--cc with another compiler, gcc or clang", "--retry"}
}

// passing reports whether an error tells of the machine as it is now, and not
// of the kernel: such a kernel is tried again the next time.
func passing(err error) bool {
	for _, of := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES,
		syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.EAGAIN,
	} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
