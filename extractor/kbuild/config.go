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
		return fmt.Errorf("%w: %s has no include/config/auto.conf; run make olddefconfig prepare there, or use a distribution's header package", ErrNotConfigured, t.Build)
	} else if err != nil {
		return fmt.Errorf("configuration of %s: %w", t.Build, err)
	}
	if _, err := os.Stat(filepath.Join(t.Build, "include", "generated", "autoconf.h")); err != nil {
		return fmt.Errorf("%w: %s has no include/generated/autoconf.h; run make prepare there", ErrNotConfigured, t.Build)
	}
	uts := filepath.Join(t.Build, "include", "generated", "utsrelease.h")
	text, err := os.ReadFile(uts)
	if err != nil {
		return fmt.Errorf("%w: %s has no include/generated/utsrelease.h; run make prepare there", ErrNotConfigured, t.Build)
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
