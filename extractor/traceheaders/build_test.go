package traceheaders

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/headers"
)

// buildTiny builds the headers of the tiny tree, with these hints, after a
// change of some of its files, and returns the events of one header.
func buildTiny(t *testing.T, compiler string, files map[string]string, hints map[string]headers.Hint, header string) []tpinfo.Tracepoint {
	t.Helper()
	tier.NeedTool(t, compiler, compiler)
	ctx := context.Background()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../fixtures/tree")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := kbuild.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Scan(tree)
	if err != nil {
		t.Fatal(err)
	}
	with, err := cc.Find(ctx, compiler, tree.Arch)
	if err != nil {
		t.Fatal(err)
	}
	shop, err := compile.New(t.TempDir(), compile.Config{Tree: tree, Compiler: with, Roots: tree.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	units := Plan(tree, found, func(name string) (headers.Hint, bool) {
		hint, ok := hints[name]
		return hint, ok
	})
	built, failed, err := Build(ctx, shop, units, 2, func(int, string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range failed {
		if p.Subject == "include/"+header {
			t.Error(p)
		}
	}
	var events []tpinfo.Tracepoint
	for _, made := range built {
		for _, e := range made.Events {
			if e.Header == "include/"+header {
				events = append(events, e)
			}
		}
	}
	return events
}

// What is declared for a header, and known to the tree after all, is taken
// back, and nothing is given up for it: whether the tree defines it before the
// declaration or behind it, and as what.
func TestKnownAfterAll(t *testing.T) {
	const header = "trace/events/needs_include.h"
	event := func(include string) string {
		return `#undef TRACE_SYSTEM
#define TRACE_SYSTEM needs_include
#if !defined(_TRACE_NEEDS_INCLUDE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_NEEDS_INCLUDE_H
#include <linux/tracepoint.h>
` + include + `
TRACE_EVENT(gadget_switch, TP_PROTO(gadget_id_t id, enum gadget_state state, struct gadget *gadget), TP_ARGS(id, state, gadget),
	TP_STRUCT__entry(__field(gadget_id_t, id) __field(struct gadget, gadget) __array(char, name, GADGET_NAME) __array(char, more, GADGET_MORE)),
	TP_fast_assign(), TP_printk("%u", __entry->id));
#endif
#include <trace/define_trace.h>
`
	}
	const gadget = `#ifndef _LINUX_GADGET_H
#define _LINUX_GADGET_H
typedef u16 gadget_id_t;
enum gadget_state { GADGET_OFF, GADGET_ON };
struct gadget { int weight; };
enum { GADGET_NAME = 12 };
#define GADGET_MORE 4
#endif
`
	hint := headers.Hint{
		Unknown: []string{"gadget_id_t", "enum gadget_state", "struct gadget"}, Constants: []string{"GADGET_NAME", "GADGET_MORE"},
	}
	before := hint
	before.Includes = []string{"linux/gadget.h"}
	for name, test := range map[string]struct {
		include string
		hint    headers.Hint
	}{
		"before":          {"", before},
		"behind":          {"#include <linux/gadget.h>", hint},
		"before, by both": {"#include <linux/gadget.h>", before},
	} {
		for _, compiler := range []string{"gcc", "clang"} {
			t.Run(name+"/"+compiler, func(t *testing.T) {
				files := map[string]string{"include/linux/gadget.h": gadget, "include/" + header: event(test.include)}
				events := buildTiny(t, compiler, files, map[string]headers.Hint{header: test.hint}, header)
				if len(events) != 1 || !events[0].Complete() || events[0].Args[0].Size != 2 || events[0].Record.Size != 8+2+2+4+12+4 {
					t.Fatalf("%+v", events)
				}
			})
		}
	}
}
