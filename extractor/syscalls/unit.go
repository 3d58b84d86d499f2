package syscalls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// table says where an architecture numbers its system calls.
type table struct {
	config string // the option that stands for the architecture
	// headers that list the calls, below a folder of headers; the first that
	// is there counts.
	headers []string
	// prefix is what the functions of calls are named with.
	prefix string
	// renames is the source file whose #defines give such functions other
	// names in the table.
	renames string
}

// tables: sources are arch/x86/entry/syscall_64.c and syscall_32.c and
// arch/arm64/kernel/sys.c of 5.10 to 7.3. Before 6.11 arm64 had its calls from
// asm-generic/unistd.h.
var tables = []table{
	{config: "X86_64", headers: []string{"asm/syscalls_64.h"}, prefix: "__x64_"},
	{config: "X86_32", headers: []string{"asm/syscalls_32.h"}, prefix: "__ia32_"},
	{config: "ARM64", headers: []string{"asm/syscall_table_64.h", "asm/unistd.h"}, prefix: "__arm64_", renames: "arch/arm64/kernel/sys.c"},
}

// ErrNoTable is wrapped when it is not known how an architecture numbers its
// system calls.
var ErrNoTable = errors.New("the table of system calls is not known")

// unit is the text for the preprocessor.
type unit struct {
	text  strings.Builder
	files []string          // source files that went in, below the source's folder
	seen  map[string]bool   // those, and what they include
	bad   map[string]string // files that could not be used, and why
}

// faults is the function that says of which arguments strings are recorded.
var faults = regexp.MustCompile(`(?s)\bcheck_faultable_syscall\([^)]*\)\s*\{(.*?)\n\}`)

const tracer = "kernel/trace/trace_syscalls.c"

// build writes the unit.
func build(ctx context.Context, src *kbuild.Source, t *kbuild.Tree, objects []string) (*unit, error) {
	u := &unit{seen: map[string]bool{}, bad: map[string]string{}}
	u.text.WriteString(prelude)
	for _, object := range objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		file := object + ".c"
		items, err := u.read(src, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // of assembly, or made by a program
		}
		if err != nil {
			u.bad[file] = err.Error()
			continue
		}
		kept := pruned(items)
		if !calls(kept) {
			continue
		}
		fmt.Fprintf(&u.text, "tpinfo_file %q\n", file)
		u.write(kept, file, definesOf(kept))
		for _, name := range definesOf(kept) {
			fmt.Fprintf(&u.text, "#undef %s\n", name)
		}
	}
	slices.Sort(u.files)
	if err := u.table(src, t); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(src.Dir, tracer))
	if err != nil {
		return nil, err
	}
	u.files = append(u.files, tracer)
	if m := faults.FindSubmatch(text); m != nil {
		fmt.Fprintf(&u.text, "\n#undef BIT\n#define BIT(n) tpinfo_bit n\ntpinfo_faults {%s\n} tpinfo_end\n", m[1])
	}
	return u, nil
}

// prelude has the kernel's macros say what is wanted of them. __user stands
// for nothing but, with some compilers, an attribute that would be spelled.
const prelude = `#include <linux/syscalls.h>
#include <linux/compat.h>
#include <asm/unistd.h>
#undef __user
#define __user
#ifdef CONFIG_FTRACE_SYSCALLS
#undef SYSCALL_METADATA
#define tpinfo_type(t, a) #t
#define tpinfo_name(t, a) #a
#define SYSCALL_METADATA(sname, nb, ...) tpinfo_call #sname { __MAP(nb, tpinfo_type, __VA_ARGS__) } { __MAP(nb, tpinfo_name, __VA_ARGS__) } tpinfo_end
#endif
#undef __SYSCALL_DEFINEx
#define __SYSCALL_DEFINEx(...)
`

// read reduces a source file; the files of C that it includes take the place
// of the lines that do.
func (u *unit) read(src *kbuild.Source, file string) ([]item, error) {
	text, err := os.ReadFile(filepath.Join(src.Dir, filepath.FromSlash(file)))
	if err != nil || u.seen[file] || !mayDefine(string(text)) {
		return nil, err
	}
	u.seen[file] = true
	items, err := reduce(string(text))
	if err != nil {
		return nil, err
	}
	if items, err = u.inline(src, file, items); err == nil && calls(items) {
		u.files = append(u.files, file)
	}
	return items, err
}

func (u *unit) inline(src *kbuild.Source, file string, items []item) ([]item, error) {
	var all []item
	for _, it := range items {
		switch it.kind {
		case include:
			name := path.Join(path.Dir(file), it.name)
			inner, err := u.read(src, name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if calls(inner) {
				all = append(all, item{kind: call, text: fmt.Sprintf("tpinfo_file %q", name)})
				all = append(all, inner...)
				all = append(all, item{kind: call, text: fmt.Sprintf("tpinfo_file %q", file)})
			}
		case conditional:
			for i := range it.branches {
				inner, err := u.inline(src, file, it.branches[i].items)
				if err != nil {
					return nil, err
				}
				it.branches[i].items = inner
			}
			all = append(all, it)
		default:
			all = append(all, it)
		}
	}
	return all, nil
}

// calls reports whether there is a system call among items.
func calls(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool {
		return it.kind == call || slices.ContainsFunc(it.branches, func(b branch) bool { return calls(b.items) })
	})
}

func definesOf(items []item) (names []string) {
	for _, it := range items {
		if it.kind == define {
			names = append(names, it.name)
		}
		for _, b := range it.branches {
			names = append(names, definesOf(b.items)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// told are the names that a header of the prelude defines, or no header does.
var told = regexp.MustCompile(`^(CONFIG_\w+|IS_(ENABLED|BUILTIN|MODULE|REACHABLE)|__ARCH_WANT_\w+|__NR_\w+|__[a-z0-9_]+__)$`)

// write writes items. Before a conditional on a macro that a header may define
// which the file includes and the prelude does not, the preprocessor is asked
// whether it knows the macro.
func (u *unit) write(items []item, file string, own []string) {
	for _, it := range items {
		if it.kind != conditional {
			u.text.WriteString(it.text + "\n")
			continue
		}
		for _, name := range asked(it) {
			if !told.MatchString(name) && !slices.Contains(own, name) {
				fmt.Fprintf(&u.text, "#ifndef %s\ntpinfo_undefined %q %q tpinfo_end\n#endif\n", name, file, name)
			}
		}
		for _, b := range it.branches {
			u.text.WriteString(b.directive + "\n")
			u.write(b.items, file, own)
		}
		u.text.WriteString("#endif\n")
	}
}

// table writes the list of numbered calls.
func (u *unit) table(src *kbuild.Source, t *kbuild.Tree) error {
	i := slices.IndexFunc(tables, func(tb table) bool { return t.Config.On(tb.config) })
	if i < 0 {
		return fmt.Errorf("%w for %s", ErrNoTable, t.Arch.Name)
	}
	tb := tables[i]
	header := ""
	dirs := t.IncludeDirs()
	for _, h := range tb.headers {
		if header == "" && slices.ContainsFunc(dirs, func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, h))
			return err == nil
		}) {
			header = h
		}
	}
	if header == "" {
		return fmt.Errorf("%w: %s has no %s", ErrNoTable, t.Build, strings.Join(tb.headers, " and no "))
	}
	if tb.renames != "" {
		text, err := os.ReadFile(filepath.Join(src.Dir, tb.renames))
		if err != nil {
			return err
		}
		u.files = append(u.files, tb.renames)
		rename := regexp.MustCompile(`(?m)^#define[ \t]+` + tb.prefix + `sys_\w+[ \t]+` + tb.prefix + `sys_\w+[ \t]*$`)
		for _, line := range rename.FindAll(text, -1) {
			fmt.Fprintf(&u.text, "%s\n", line)
		}
	}
	fmt.Fprintf(&u.text, numbered, tb.prefix, header)
	return nil
}

// numbered reads the table. Calls that only x32 programs make have no event.
const numbered = `
#undef __SYSCALL
#define __SYSCALL(nr, sym) tpinfo_number nr %[1]s##sym tpinfo_end
#define __SYSCALL_64(nr, sym) __SYSCALL(nr, sym)
#define __SYSCALL_COMMON(nr, sym) __SYSCALL(nr, sym)
#define __SYSCALL_X32(nr, sym)
#define __SYSCALL_I386(nr, sym, ...) __SYSCALL(nr, sym)
#define __SYSCALL_NORETURN(nr, sym) __SYSCALL(nr, sym)
#define __SYSCALL_WITH_COMPAT(nr, sym, compat) __SYSCALL(nr, sym)
tpinfo_prefix %[1]s tpinfo_end
#include <%[2]s>
`
