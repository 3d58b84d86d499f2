package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/compiler/runner"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// A script is compiled with what a cache knows of a kernel, loaded into that
// kernel, and its events are read as values. It needs root.
func Example() {
	signals, err := watchSignals(context.Background(), "kernels.db", "6.1.0-56-cloud-amd64")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signals)
}

// sent is an event of the script below.
type sent struct {
	sender string
	signal int64
	toSelf bool
}

const signalScript = `
probe kernel.trace("signal_generate")
{
	if (pid() == target())
		printf("%s %d %d\n", execname(), $sig, $task->tgid == pid())
}`

func watchSignals(ctx context.Context, file, release string) (signals []sent, err error) {
	db, err := cache.Open(ctx, file, cache.ReadOnly())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	kernel, err := db.Kernel(ctx, release)
	if err != nil {
		return nil, err
	}
	src := &diag.Source{Name: "signals.stp", Text: signalScript}
	compiled, err := compiler.Compile(ctx, src, kernel, compiler.Options{})
	if err != nil {
		return nil, err // what is wrong with the script, with its lines
	}

	// The object is a file for any machine with that kernel.
	var elf bytes.Buffer
	if err := compiled.Write(&elf); err != nil {
		return nil, err
	}
	loadable, err := object.Read(elf.Bytes())
	if err != nil {
		return nil, err
	}

	_, err = runner.Run(ctx, loadable, runner.Options{
		Stdout: os.Stdout, Stderr: os.Stderr,
		Command: []string{"/bin/sh", "-c", "kill -URG $$; kill -WINCH $$"},
		Event: func(_ *ir.Site, v []render.Value) {
			signals = append(signals, sent{v[0].Str, v[1].Int, v[2].Int != 0})
		},
	})
	return signals, err
}

// The example does what it says, on this machine's kernel.
func TestExample(t *testing.T) {
	tier.Need(t, tier.Machine)
	snap, err := extractor.Extract(t.Context(), extractor.Request{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kernels.db")
	db, err := cache.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Put(t.Context(), snap)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	signals, err := watchSignals(t.Context(), file, snap.Kernel.Release)
	if err != nil {
		t.Fatal(err)
	}
	// URG is 23, WINCH 28; CHLD, 17, is to whom started the shell.
	want := []sent{{"sh", 23, true}, {"sh", 28, true}, {"sh", 17, false}}
	if !slices.Equal(signals, want) {
		t.Errorf("%v, want %v", signals, want)
	}
}
