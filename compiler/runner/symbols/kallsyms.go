package symbols

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// Kernel is the symbol table of the kernel that runs. The zero Kernel reads
// /proc/kallsyms when it is first asked, and may be used by several goroutines.
type Kernel struct {
	once  sync.Once
	table *Table
	err   error
}

// Symbol finds the symbol that holds addr.
func (k *Kernel) Symbol(addr uint64) (render.Symbol, bool) {
	k.load()
	if k.table == nil {
		return render.Symbol{}, false
	}
	return k.table.Symbol(addr)
}

// Err tells why there are no names: the file is missing, or its addresses are
// hidden from this process (kernel.kptr_restrict, or no CAP_SYSLOG).
func (k *Kernel) Err() error {
	k.load()
	return k.err
}

func (k *Kernel) load() {
	k.once.Do(func() {
		f, err := os.Open("/proc/kallsyms")
		if err != nil {
			k.err = fmt.Errorf("kernel symbols: %w; the kernel needs CONFIG_KALLSYMS", err)
			return
		}
		defer f.Close()
		k.table, k.err = Read(f)
	})
}

// Table is a symbol table in the order of addresses.
type Table struct {
	symbols []symbol
}

type symbol struct {
	addr   uint64
	name   string
	module string
}

// Read reads the form of /proc/kallsyms (kernel/kallsyms.c): a line a symbol,
// with its address in hexadecimal, a letter for its kind, its name, and its
// module in brackets when it has one. Only what can hold code or data counts:
// absolute and per-CPU symbols (the letters a and A) stand for other numbers. A
// table without an address is an error.
func Read(r io.Reader) (*Table, error) {
	t := &Table{}
	modules := map[string]string{}
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) < 3 {
			return nil, fmt.Errorf("kernel symbols: line %d is %q: it needs an address, a kind and a name", number, line)
		}
		addr, err := strconv.ParseUint(fields[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("kernel symbols: line %d: %w", number, err)
		}
		if addr == 0 || fields[1] == "a" || fields[1] == "A" {
			continue
		}
		s := symbol{addr: addr, name: fields[2], module: "kernel"}
		if len(fields) > 3 {
			name := strings.Trim(fields[3], "[]")
			if name == "" {
				return nil, fmt.Errorf("kernel symbols: line %d is %q: its module has no name", number, line)
			}
			if modules[name] == "" {
				modules[name] = name
			}
			s.module = modules[name]
		}
		t.symbols = append(t.symbols, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("kernel symbols: %w", err)
	}
	if len(t.symbols) == 0 {
		return nil, fmt.Errorf("kernel symbols: all addresses are hidden; run as root, with kernel.kptr_restrict at most 1")
	}
	slices.SortStableFunc(t.symbols, func(a, b symbol) int {
		switch {
		case a.addr < b.addr:
			return -1
		case a.addr > b.addr:
			return 1
		default:
			return 0
		}
	})
	return t, nil
}

// maxOpen is how far a symbol holds addresses of which nothing tells the end: no
// function of a module is larger, and no program of a handler.
const maxOpen = 1 << 20

// Symbol finds the symbol that holds addr: the last that does not begin behind
// it; of several that begin at one address the first that the kernel lists. Its
// size reaches to the next of the same module. Where there is none the size is
// 0, not known; and between BPF programs, "bpf", is what other programs left.
func (t *Table) Symbol(addr uint64) (render.Symbol, bool) {
	after, _ := slices.BinarySearchFunc(t.symbols, addr, func(s symbol, addr uint64) int {
		if s.addr <= addr {
			return -1
		}
		return 1
	})
	if after == 0 {
		return render.Symbol{}, false
	}
	begin := t.symbols[after-1].addr
	at, _ := slices.BinarySearchFunc(t.symbols, begin, func(s symbol, addr uint64) int {
		if s.addr < addr {
			return -1
		}
		return 1
	})
	s := t.symbols[at]
	found := render.Symbol{Name: s.name, Module: s.module, Offset: addr - begin}
	end := begin + maxOpen
	if after < len(t.symbols) {
		next := t.symbols[after]
		end = min(end, next.addr)
		if next.module == s.module && s.module != "bpf" {
			found.Size = next.addr - begin
			end = next.addr
		}
	}
	return found, addr < end
}
