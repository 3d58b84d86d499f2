package main

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want options
	}{
		{[]string{"a.o"}, options{object: "a.o"}},
		{[]string{"-"}, options{object: "-"}},
		{[]string{"-x", "12", "--timeout", "1.5s", "--force", "-v", "-q", "a.o"},
			options{object: "a.o", pid: 12, timeout: 1500 * time.Millisecond, force: true, verbose: true, quiet: true}},
		{[]string{"-c", "ls -l", "--allow-system", "--ring-size", "8192", "a.o"},
			options{object: "a.o", command: "ls -l", system: true, ring: 8192}},
		{[]string{"--stdin", "4711", "-v"}, options{size: 4711, verbose: true}},
		{[]string{"--describe", "a.o"}, options{object: "a.o", describe: true}},
		{[]string{"--facts"}, options{facts: true}},
		{[]string{"--version"}, options{version: true}},
	} {
		o, err := parse(c.args)
		if err != nil || *o != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.args, o, err, c.want)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "no object"},
		{[]string{"a.o", "-v"}, `unexpected "-v": options come before the object`},
		{[]string{"--facts", "a.o"}, `unexpected "a.o"`},
		{[]string{"--stdin", "3", "a.o"}, `unexpected "a.o": with --stdin the object comes from standard input`},
		{[]string{"--stdin", "0"}, "--stdin 0: it takes the object's size in bytes"},
		{[]string{"-x", "0", "a.o"}, "-x 0: it takes the number of a process"},
		{[]string{"-x", "1", "-c", "ls", "a.o"}, "-x and -c: target() is one process"},
		{[]string{"-c", " ", "a.o"}, "-c: it takes a command"},
		{[]string{"--timeout", "-1s", "a.o"}, "--timeout -1s: it takes a time such as 30s"},
		{[]string{"--ring-size", "9999", "a.o"}, "--ring-size: a ring buffer of 9999 bytes: it takes a power of two from " +
			strconv.Itoa(os.Getpagesize()) + " to 1073741824"},
		{[]string{"--nonsense"}, "flag provided but not defined: -nonsense"},
	} {
		if o, err := parse(c.args); err == nil || err.Error() != c.want {
			t.Errorf("%q: %+v, %v; want %s", c.args, o, err, c.want)
		}
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
