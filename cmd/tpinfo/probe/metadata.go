package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/extractor"
)

// metadata is a kernel of the cache as the compiler asks it. Types that the
// cache lacks are learned from headers of the kernel's build tree, where that
// is on this machine, and kept.
type metadata struct {
	*cache.Kernel
	app *cli.App
	// learned has the types of headers by their names, compiled what became of
	// the headers.
	learned  map[string]*tpinfo.Type
	compiled map[string]error
}

var _ check.Metadata = metadata{}

func metadataOf(a *cli.App, k *cache.Kernel) metadata {
	return metadata{k, a, map[string]*tpinfo.Type{}, map[string]error{}}
}

// TypeIfKnown implements check.Metadata.
func (m metadata) TypeIfKnown(ctx context.Context, name string) (*tpinfo.Type, error) {
	t, err := m.Kernel.TypeIfKnown(ctx, name)
	if t == nil && err == nil {
		t = m.learned[name]
	}
	return t, err
}

// Header implements check.Metadata.
func (m metadata) Header(ctx context.Context, headers []string, typeName string) (*tpinfo.Type, error) {
	names := "<" + strings.Join(headers, ">, <") + ">"
	err, known := m.compiled[names]
	if !known {
		err = m.compile(ctx, headers, typeName)
		m.compiled[names] = err
	}
	if err != nil {
		return nil, fmt.Errorf("kernel %s has no type %q in the cache: %w", m.Identity().Release, typeName, err)
	}
	for _, tag := range []string{"", "struct ", "union ", "enum "} {
		if t := m.learned[tag+typeName]; t != nil {
			return t, nil
		}
	}
	return nil, nil //nolint:nilnil // as the interface has it: the headers do not define it
}

// compile learns the types of headers.
func (m metadata) compile(ctx context.Context, headers []string, typeName string) error {
	k := m.Identity()
	if k.Source == tpinfo.FromBTF || k.Source == tpinfo.FromBTFTracefs {
		return fmt.Errorf("what is known of it comes from its BTF, and <%s> cannot be compiled without its headers; extract it from those, with 'tpinfo extract RELEASE' where they are installed or with 'tpinfo extract DIRECTORY'", strings.Join(headers, ">, <"))
	}
	if info, err := os.Stat(k.Tree); err != nil || !info.IsDir() {
		return fmt.Errorf("its build tree, to compile headers with, is not in %s any more; extract it again from where it is, with 'tpinfo extract DIRECTORY'", k.Tree)
	}
	req := extractor.Request{Tree: k.Tree, CC: m.app.Settings.CCFor(k.Release)}
	if same, err := m.same(ctx, req); err != nil {
		return err
	} else if !same {
		return fmt.Errorf("its build tree %s has changed; extract it again with 'tpinfo extract %[1]s'", k.Tree)
	}
	m.app.Note("the cache has no type %q: compiling <%s> of %s", typeName, strings.Join(headers, ">, <"), k.Tree)
	types, err := extractor.Types(ctx, req, headers)
	if err != nil {
		return err
	}
	for i := range types {
		m.learned[types[i].Name] = &types[i]
	}
	if err := m.keep(ctx, types); err != nil {
		m.app.Note("what it declares is not kept: %v", err)
	}
	return nil
}

// same reports whether the kernel's build tree is as it was when the kernel was
// extracted.
func (m metadata) same(ctx context.Context, req extractor.Request) (same bool, err error) {
	db, err := m.app.ReadCache(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k := m.Identity()
	recorded, err := db.Recorded(ctx, k.Release, k.Tree)
	if err != nil {
		return false, err
	}
	// The compiler may be another one: the layouts are not.
	id, err := cli.Unchanged(ctx, extractor.Request{Tree: req.Tree}, recorded)
	return id == k.ID, err
}

// keep adds types to the kernel in the cache.
func (m metadata) keep(ctx context.Context, types []tpinfo.Type) (err error) {
	db, err := cache.Open(ctx, m.app.Settings.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.AddTypes(ctx, m.Identity().ID, types)
}
