package symbols

import (
	"bufio"
	"embed"
	"strconv"
	"strings"
)

// A table is a line a system call: its number and its name. They are made from
// golang.org/x/sys/unix, which has them from include/uapi/asm/unistd.h of each
// architecture; "go test -update" makes them anew.
//
//go:embed syscalls_x86.txt syscalls_arm64.txt
var tables embed.FS

// Syscalls names the system calls of an architecture, as the kernel calls it:
// "x86" (64-bit programs) or "arm64". Of another, and of a number that is no
// system call, the name is "".
func Syscalls(arch string) func(number int64) string {
	file, err := tables.Open("syscalls_" + arch + ".txt")
	if err != nil {
		return func(int64) string { return "" }
	}
	defer file.Close()
	names := map[int64]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		number, name, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			names[n] = name
		}
	}
	return func(number int64) string { return names[number] }
}
