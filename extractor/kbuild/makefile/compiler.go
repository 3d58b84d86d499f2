package makefile

import (
	"strconv"
	"strings"
)

// compilerTest answers the kernel's functions that ask the compiler or a tool.
// The configuration answers those about versions, with the versions that the
// kernel was built with; the others stay unknown, with the options they choose
// from as what they may hold.
// Sources: scripts/Makefile.compiler, before 5.18 scripts/Kbuild.include.
func (m *Makefile) compilerTest(name string, args []string) (value string, ok bool) {
	switch name {
	case "cc-option", "cc-option-yn", "cc-option-bit", "cc-disable-warning",
		"as-option", "as-instr", "ld-option", "tool-support", "try-run":
		return m.choice(name, args), true
	case "gcc-min-version":
		return m.minVersion("CONFIG_GCC_VERSION", name, args), true
	case "clang-min-version":
		return m.minVersion("CONFIG_CLANG_VERSION", name, args), true
	case "rustc-min-version":
		return m.minVersion("CONFIG_RUSTC_VERSION", name, args), true
	case "cc-ifversion":
		return m.ifVersion(name, args), true
	}
	return "", false
}

func (m *Makefile) choice(name string, args []string) string {
	return m.mark(strings.Join(args, " "), "$(call %s,%s) asks a tool", name, clip(strings.Join(args, ",")))
}

// minVersion answers $(call gcc-min-version,110000) with "y" or nothing.
func (m *Makefile) minVersion(option, name string, args []string) string {
	have, err := strconv.Atoi(m.value(option))
	want, err2 := strconv.Atoi(strings.TrimSpace(strings.Join(args, ",")))
	if err != nil || err2 != nil {
		return m.choice(name, args)
	}
	return when(have >= want, "y")
}

// ifVersion answers $(call cc-ifversion,-lt,0701,yes,no), until 5.16, as
// [ $(CONFIG_GCC_VERSION)0 -lt 0701000 ] does.
func (m *Makefile) ifVersion(name string, args []string) string {
	args = append(args, "", "", "", "")
	have, err := strconv.Atoi(m.value("CONFIG_GCC_VERSION") + "0")
	want, err2 := strconv.Atoi(strings.TrimSpace(args[1]) + "000")
	if err != nil || err2 != nil {
		return m.choice(name, args[2:])
	}
	var holds bool
	switch strings.TrimSpace(args[0]) {
	case "-lt":
		holds = have < want
	case "-le":
		holds = have <= want
	case "-eq":
		holds = have == want
	case "-ne":
		holds = have != want
	case "-ge":
		holds = have >= want
	case "-gt":
		holds = have > want
	default:
		return m.choice(name, args[2:])
	}
	if holds {
		return args[2]
	}
	return args[3]
}
