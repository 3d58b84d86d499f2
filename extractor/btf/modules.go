package btf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Running reads the BTF of the running kernel and its modules; sysfs is where
// sysfs is mounted. A module that cannot be read is left out with a problem
// (kernel 5.2 for the image, 5.11 for modules).
func Running(ctx context.Context, sysfs string) (*Spec, error) {
	dir := filepath.Join(sysfs, "kernel", "btf")
	s, err := Load(ctx, filepath.Join(dir, "vmlinux"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the running kernel shows no BTF: %w; it needs CONFIG_DEBUG_INFO_BTF", err)
	} else if err != nil {
		return nil, err
	}
	s.path = dir
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("modules' BTF: %w", err)
	}
	sum := sha256.New()
	io.WriteString(sum, s.digest)
	for _, e := range entries {
		if e.Name() == "vmlinux" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		raw, err := readFile(filepath.Join(dir, e.Name()), maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue // unloaded meanwhile
		}
		s.add(e.Name(), raw, err, sum)
	}
	sort.SliceStable(s.parts[1:], func(i, j int) bool { return s.parts[i+1].name < s.parts[j+1].name })
	s.digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// WithModules is Load with those modules below the folder dir that have
// tracepoints: module files as they are installed, "ext4.ko" or "ext4.ko.xz",
// with BTF (kernel 5.11). One that cannot be read is left out with a problem.
func WithModules(ctx context.Context, image, dir string) (*Spec, error) {
	s, err := Load(ctx, image)
	if err != nil {
		return nil, err
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && moduleName(path) != "" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(moduleName(a), moduleName(b)) })
	sum := sha256.New()
	io.WriteString(sum, s.digest)
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := moduleName(path)
		raw, err := moduleBlob(ctx, path)
		if errors.Is(err, ErrNoBTF) || err == nil && !hasTracepoints(raw) {
			continue
		}
		s.add(name, raw, err, sum)
	}
	s.digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// add joins a module's blob, or notes why there is none.
func (s *Spec) add(name string, raw []byte, err error, sum io.Writer) {
	var module part
	if err == nil {
		module, err = parse(name, raw, &s.parts[0])
	}
	if err != nil {
		s.problems = append(s.problems, tpinfo.Problem{
			Code: tpinfo.InputSkipped, Subject: name, Message: "BTF of the module: " + err.Error(),
		})
		return
	}
	fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(raw))
	s.parts = append(s.parts, module)
}

// hasTracepoints reports whether names in a blob are those of tracepoints.
func hasTracepoints(raw []byte) bool {
	return bytes.Contains(raw, []byte("\x00"+typePrefix)) || bytes.Contains(raw, []byte("\x00"+iterPrefix))
}

// moduleName is the name that the kernel calls a module file by; empty for a
// file that is none.
func moduleName(path string) string {
	name, packed, ok := strings.Cut(filepath.Base(path), ".ko")
	if !ok || !slices.Contains([]string{"", ".gz", ".xz", ".zst"}, packed) {
		return ""
	}
	return strings.ReplaceAll(name, "-", "_")
}

// moduleBlob reads the BTF of a module file.
func moduleBlob(ctx context.Context, path string) ([]byte, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	return (&Spec{}).find(ctx, data)
}
