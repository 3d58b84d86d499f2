package kbuild

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/fault"
)

// Config is a kernel configuration: CONFIG_NAME without the prefix to its
// value; "y", "m" or text. What is not set is absent.
type Config map[string]string

// On reports whether the option is built in or a module.
func (c Config) On(name string) bool { return c[name] == "y" || c[name] == "m" }

var (
	releaseLine = regexp.MustCompile(`#define\s+UTS_RELEASE\s+"([^"]+)"`)
	versionText = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?`)
)

// read fills in what the tree's generated files tell.
func (t *Tree) read() error {
	conf := filepath.Join(t.Build, "include", "config", "auto.conf")
	var err error
	if t.Config, err = readConfig(conf); errors.Is(err, fs.ErrNotExist) {
		return notConfigured("run make olddefconfig prepare there, or use a distribution's header package", "%s has no include/config/auto.conf", t.Build)
	} else if err != nil {
		return fmt.Errorf("configuration of %s: %w", t.Build, err)
	}
	if err := t.checkAutoconf(); err != nil {
		return err
	}
	uts := filepath.Join(t.Build, "include", "generated", "utsrelease.h")
	text, err := os.ReadFile(uts)
	if err != nil {
		return notConfigured("run make prepare there", "%s has no include/generated/utsrelease.h", t.Build)
	}
	m := releaseLine.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("%s: no UTS_RELEASE in it", uts)
	}
	t.Release = string(m[1])
	if t.Version, err = ParseVersion(t.Release); err != nil {
		return fmt.Errorf("%s: %w", uts, err)
	}
	t.Arch, err = archOf(t)
	return err
}

func notConfigured(advice, reason string, args ...any) error {
	return &fault.Advised{Err: fmt.Errorf("%w: %s", ErrNotConfigured, fmt.Sprintf(reason, args...)), Advice: advice}
}

// edited is which part of the options, one in so many, a distribution may have
// changed by hand in one of the two forms of the configuration.
const edited = 100

// checkAutoconf holds what the compiler reads of the configuration,
// autoconf.h, against what this program reads of it, auto.conf. One program
// writes both from the same options (conf_write_autoconf in
// scripts/kconfig/confdata.c), so that where they differ one is empty, cut off
// or another kernel's, and the headers would describe no kernel at all.
func (t *Tree) checkAutoconf() error {
	const name = "include/generated/autoconf.h"
	f, err := os.Open(filepath.Join(t.Build, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return notConfigured("run make prepare there", "%s has no %s", t.Build, name)
	} else if err != nil {
		return fmt.Errorf("configuration of %s: %w", t.Build, err)
	}
	defer f.Close()
	defined := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// "#define CONFIG_NAME 1", and CONFIG_NAME_MODULE for a module.
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "#define" {
			defined[strings.TrimPrefix(words[1], "CONFIG_")] = true
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s of %s: %w", name, t.Build, err)
	}
	on, lacks, example := 0, 0, ""
	for option, value := range t.Config {
		key := option
		switch value {
		case "m":
			key += "_MODULE"
		case "y":
		default:
			continue
		}
		on++
		if !defined[key] {
			lacks++
			if example == "" || option < example {
				example = option
			}
		}
	}
	if on == 0 {
		return notConfigured("run make olddefconfig prepare there, or fetch the header package again", "include/config/auto.conf of %s sets no option", t.Build)
	}
	if lacks*edited > on {
		return notConfigured("run make prepare there, or fetch the header package again",
			"%s of %s lacks %d of the %d options of include/config/auto.conf, CONFIG_%s the first", name, t.Build, lacks, on, example)
	}
	return nil
}

// ParseVersion reads the version that a release name starts with.
func ParseVersion(release string) (Version, error) {
	m := versionText.FindStringSubmatch(release)
	if m == nil {
		return Version{}, fmt.Errorf("release %q does not start with a version such as 6.1", release)
	}
	var v Version
	for i, part := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return Version{}, fmt.Errorf("release %q: %w", release, err)
		}
		*part = n
	}
	return v, nil
}

// readConfig reads auto.conf: CONFIG_NAME=value lines and comments.
func readConfig(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := Config{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if name, has := strings.CutPrefix(name, "CONFIG_"); ok && has {
			c[name] = strings.Trim(value, `"`)
		}
	}
	return c, lines.Err()
}
