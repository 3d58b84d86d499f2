package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/extractor"
)

// metadata is a kernel of the cache as the compiler asks it. Types that the
// cache lacks are learned from headers of the kernel's build tree, where that
// is on this machine, and kept.
type metadata struct {
	*cache.Kernel
	app     *app
	learned map[string]*tpinfo.Type
}

var _ check.Metadata = metadata{}

func (a *app) metadata(k *cache.Kernel) metadata {
	return metadata{k, a, map[string]*tpinfo.Type{}}
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
	k := m.Identity()
	if info, err := os.Stat(k.Tree); err != nil || !info.IsDir() || k.Source == tpinfo.FromBTF {
		return m.Kernel.Header(ctx, headers, typeName)
	}
	m.app.note("the cache has no type %q: compiling <%s> of %s", typeName, strings.Join(headers, ">, <"), k.Tree)
	types, err := extractor.Types(ctx, extractor.Request{Tree: k.Tree, CC: m.app.settings.ccFor(k.Release)}, headers)
	if err != nil {
		return nil, err
	}
	for i := range types {
		m.learned[types[i].Name] = &types[i]
	}
	if err := m.keep(ctx, types); err != nil {
		m.app.note("what it declares is not kept: %v", err)
	}
	for _, tag := range []string{"", "struct ", "union ", "enum "} {
		if t := m.learned[tag+typeName]; t != nil {
			return t, nil
		}
	}
	return m.Kernel.Header(ctx, headers, typeName)
}

// keep adds types to the kernel in the cache.
func (m metadata) keep(ctx context.Context, types []tpinfo.Type) (err error) {
	db, err := cache.Open(ctx, m.app.settings.cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.AddTypes(ctx, m.Identity().ID, types)
}
