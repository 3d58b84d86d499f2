package extractor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/dwarfx"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
)

// Types compiles headers of the request's tree, "linux/hrtimer.h", and returns
// every type that they declare or include, sorted by name. No event comes of
// it. The error has the compiler's words where a header does not compile.
func Types(ctx context.Context, req Request, names []string) (types []tpinfo.Type, err error) {
	tree, err := kbuild.Find(req.Tree)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.ContainsAny(name, "<>\"\n\\") || strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
			return nil, fmt.Errorf("%q is not a header of the kernel, as linux/sched.h is", name)
		}
	}
	compiler, err := cc.Find(ctx, req.CC, tree.Arch)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp(req.Scratch, "tpinfo-types-")
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	shop, err := compile.New(scratch, compile.Config{Tree: tree, Compiler: compiler, Roots: tree.Roots()})
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	u := traceheaders.Including("types", names)
	said, err := shop.Compile(ctx, u)
	if err != nil {
		return nil, err
	}
	if len(said) > 0 {
		at := ""
		if first := said[0]; !first.Fatal && first.Line > 0 {
			at = fmt.Sprintf("%s:%d: ", strings.TrimPrefix(first.File, tree.Source+"/"), first.Line)
		}
		return nil, fmt.Errorf("<%s> does not compile: %s%s", strings.Join(names, ">, <"), at, said[0].Message)
	}
	obj, err := dwarfx.Read(ctx, shop.ObjectPath(u.Name), dwarfx.Options{})
	if err != nil {
		return nil, fmt.Errorf("object of <%s>: %w", strings.Join(names, ">, <"), err)
	}
	for _, t := range obj.Types {
		if !strings.Contains(t.Name, "__tpinfo_") {
			types = append(types, t)
		}
	}
	sortTypes(types)
	return types, nil
}
