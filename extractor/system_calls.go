package extractor

import (
	"context"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/syscalls"
)

// systemCalls adds the events of system calls to a snapshot. files are those
// that tell of them; without an answer a problem says why there is none.
func (w *sourceShop) systemCalls(ctx context.Context, snap *tpinfo.Snapshot) (files []string, problems []tpinfo.Problem, err error) {
	none := func(why string) []tpinfo.Problem {
		return []tpinfo.Problem{{Code: tpinfo.InputSkipped, Subject: syscalls.System, Message: "the events of system calls are not known: " + why}}
	}
	entry, ok := syscalls.EntryOf(snap.Events, snap.Types)
	if !ok {
		return nil, none("no trace header tells how a record starts"), nil
	}
	var deps []string
	found, err := syscalls.Events(ctx, w.source.makefiles, w.Tree, entry, func(ctx context.Context, text string) (output string, err error) {
		output, deps, err = w.Preprocess(ctx, &compile.Unit{Name: "syscalls", Text: text, StandIns: true})
		return output, err
	})
	switch {
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case err != nil:
		return nil, none(err.Error()), nil
	}
	for _, f := range found.Files {
		files = append(files, w.source.role(w.Tree)+":"+f)
	}
	snap.Events = append(snap.Events, found.Events...)
	sortEvents(snap.Events)
	return append(files, deps...), found.Problems, nil
}
