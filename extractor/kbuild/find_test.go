package kbuild

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// grow writes files into dir; a content that starts with "-> " is a link.
func grow(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, is := strings.CutPrefix(text, "-> "); is {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// built is what a configured build folder at prefix has.
func built(prefix string, files map[string]string) map[string]string {
	all := map[string]string{
		prefix + "include/config/auto.conf":        "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_EXT4_FS=m\nCONFIG_CC_VERSION_TEXT=\"gcc (Debian)\"\n# CONFIG_OFF is not set\nnonsense\n",
		prefix + "include/generated/utsrelease.h":  "#define UTS_RELEASE \"6.1.0-9-amd64\"\n",
		prefix + "arch/x86/include/generated/.any": "",
	}
	for name, text := range files {
		all[name] = text
	}
	if header := prefix + "include/generated/autoconf.h"; all[header] == "" {
		all[header] = autoconf(all[prefix+"include/config/auto.conf"])
	}
	return all
}

// autoconf is the autoconf.h that goes with an auto.conf.
func autoconf(conf string) string {
	var text strings.Builder
	for line := range strings.Lines(conf) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); value {
		case "y":
			text.WriteString("#define " + name + " 1\n")
		case "m":
			text.WriteString("#define " + name + "_MODULE 1\n")
		}
	}
	return text.String()
}

const tracepointHeader = "include/linux/tracepoint.h"

func TestFind(t *testing.T) {
	for _, test := range []struct {
		name          string
		files         map[string]string
		where         string // below the root
		build, source string
	}{
		{"built in place", built("linux/", map[string]string{"linux/" + tracepointHeader: ""}), "linux", "linux", "linux"},
		{"a build folder of its own, by a link", built("out/", map[string]string{"out/source": "-> ../src", "src/" + tracepointHeader: ""}), "out", "out", "src"},
		{"a build folder of its own, by a Makefile", built("out/", map[string]string{"out/Makefile": "# comment\ninclude ../src/Makefile\n", "src/" + tracepointHeader: ""}), "out", "out", "src"},
		{"Debian's packages under another root", built("usr/src/linux-headers-6.1.0-9-amd64/", map[string]string{
			"usr/src/linux-headers-6.1.0-9-amd64/Makefile":             "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n",
			"usr/src/linux-headers-6.1.0-9-common/" + tracepointHeader: "",
		}), "usr/src/linux-headers-6.1.0-9-amd64", "usr/src/linux-headers-6.1.0-9-amd64", "usr/src/linux-headers-6.1.0-9-common"},
		{"Debian's packages, moved together", built("here/headers/", map[string]string{
			"here/headers/Makefile":                                 "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n",
			"here/linux-headers-6.1.0-9-common/" + tracepointHeader: "",
		}), "here/headers", "here/headers", "here/linux-headers-6.1.0-9-common"},
		{"by the folder of its modules", built("usr/src/h/", map[string]string{
			"usr/src/h/" + tracepointHeader: "", "lib/modules/6.1.0-9-amd64/build": "-> /usr/src/h",
		}), "lib/modules/6.1.0-9-amd64", "usr/src/h", "usr/src/h"},
		{"by the link itself", built("usr/src/h/", map[string]string{
			"usr/src/h/" + tracepointHeader: "", "lib/modules/6.1.0-9-amd64/build": "-> ../../../usr/src/h",
		}), "lib/modules/6.1.0-9-amd64/build", "usr/src/h", "usr/src/h"},
		{"through links to links", built("real/", map[string]string{
			"real/" + tracepointHeader: "", "one": "-> two", "two": "-> real",
		}), "one", "real", "real"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			grow(t, root, test.files)
			tree, err := Find(filepath.Join(root, test.where))
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(root, test.build); tree.Build != want {
				t.Errorf("build part %s, want %s", tree.Build, want)
			}
			if want := filepath.Join(root, test.source); tree.Source != want {
				t.Errorf("source part %s, want %s", tree.Source, want)
			}
			if tree.Release != "6.1.0-9-amd64" || tree.Version != (Version{6, 1, 0}) || tree.Arch.Name != "x86" || tree.Arch.WordSize != 8 {
				t.Errorf("release %s, version %s, architecture %+v", tree.Release, tree.Version, tree.Arch)
			}
			if !tree.Config.On("MODULES") || tree.Config.On("OFF") || tree.Config["CC_VERSION_TEXT"] != "gcc (Debian)" {
				t.Errorf("configuration %v", tree.Config)
			}
		})
	}
}

// Each failure is one line that says what is missing and what to do.
func TestFindFails(t *testing.T) {
	without := func(files map[string]string, name string) map[string]string {
		delete(files, name)
		return files
	}
	inPlace := func() map[string]string { return built("tree/", map[string]string{"tree/" + tracepointHeader: ""}) }
	replaced := func(name, text string) map[string]string {
		files := inPlace()
		files[name] = text
		return files
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		where string
		want  error
		says  string
	}{
		{"nothing there", nil, "tree", ErrNoTree, "no such folder; give a release name"},
		{"a file", map[string]string{"tree": "x"}, "tree", ErrNoTree, "not a folder"},
		{"an empty folder", map[string]string{"tree/x": ""}, "tree", ErrNoTree, "neither include/linux nor a Makefile"},
		{"a link that leads nowhere", map[string]string{"lib/6.1.0-9/build": "-> /usr/src/no-such-headers"}, "lib/6.1.0-9", ErrDangling, "apt-get install linux-headers-6.1.0-9"},
		{"a link in a circle", map[string]string{"a": "-> b", "b": "-> a"}, "a", nil, "a"},
		{"no common part", built("tree/", map[string]string{"tree/Makefile": "include /usr/src/linux-headers-0.1-common/Makefile\n"}), "tree", ErrNoSource, "it is the package linux-headers-0.1-common"},
		{"a Makefile that names no folder", built("tree/", map[string]string{"tree/Makefile": "include $(src)/Makefile\n"}), "tree", ErrNoTree, "names a source folder"},
		{"never configured", without(inPlace(), "tree/include/config/auto.conf"), "tree", ErrNotConfigured, "make olddefconfig prepare"},
		{"never prepared", without(inPlace(), "tree/include/generated/autoconf.h"), "tree", ErrNotConfigured, "make prepare"},
		{"an empty configuration", replaced("tree/include/config/auto.conf", ""), "tree", ErrNotConfigured, "auto.conf of"},
		{"an empty autoconf.h", replaced("tree/include/generated/autoconf.h", "/* */\n"), "tree", ErrNotConfigured, "lacks 3 of the 3 options of include/config/auto.conf, CONFIG_EXT4_FS the first; run make prepare there"},
		{"an autoconf.h that is cut off", replaced("tree/include/generated/autoconf.h", "#define CONFIG_X86_64 1\n#define CONFIG_MODULES 1\n"), "tree", ErrNotConfigured, "lacks 1 of the 3 options"},
		{"no release", without(inPlace(), "tree/include/generated/utsrelease.h"), "tree", ErrNotConfigured, "make prepare"},
		{"an empty release", replaced("tree/include/generated/utsrelease.h", "\n"), "tree", nil, "no UTS_RELEASE in it"},
		{"a release without a version", replaced("tree/include/generated/utsrelease.h", `#define UTS_RELEASE "next"`), "tree", nil, "does not start with a version"},
		{"another architecture", built("tree/", map[string]string{"tree/" + tracepointHeader: "", "tree/include/config/auto.conf": "CONFIG_LOONGARCH=y\n"}), "tree", ErrUnknownArch, "this version knows arm, arm64, powerpc, riscv, s390, x86"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			grow(t, root, test.files)
			_, err := Find(filepath.Join(root, test.where))
			switch {
			case err == nil:
				t.Fatal("it is found")
			case test.want != nil && !errors.Is(err, test.want):
				t.Errorf("%v, want %v", err, test.want)
			case !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n"):
				t.Errorf("%v, want one line that says %q", err, test.says)
			}
		})
	}
	if _, err := Find("9.9.9-none"); !errors.Is(err, ErrNoTree) || !strings.Contains(err.Error(), "apt-get install linux-headers-9.9.9-none") {
		t.Errorf("a release that is not installed: %v", err)
	}
}

// A tree is only read.
func TestFindReadsOnly(t *testing.T) {
	root := t.TempDir()
	grow(t, root, built("tree/", map[string]string{"tree/" + tracepointHeader: ""}))
	list := func() string {
		var names []string
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil {
				info, ierr := d.Info()
				if ierr != nil {
					return ierr
				}
				names = append(names, path+info.ModTime().String())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, "\n")
	}
	before := list()
	if _, err := Find(filepath.Join(root, "tree")); err != nil {
		t.Fatal(err)
	}
	if after := list(); after != before {
		t.Errorf("the tree changed:\n%s\n%s", before, after)
	}
}
