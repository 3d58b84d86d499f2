package extractor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
	"github.com/tpinfo/tpinfo/headers"
)

// Request says what to extract and with what.
type Request struct {
	// Tree is a release name ("6.1.0-56-cloud-amd64"), the directory of a
	// build tree, or empty for the running kernel.
	Tree string
	// BTF is a file that fills what headers leave unknown: raw BTF, an ELF
	// file with a .BTF section, or a compressed kernel image. With an empty
	// Tree it is the only source. Empty for none.
	BTF string
	// Source is the folder of the full kernel source that the tree was built
	// from. It tells the private trace headers, and which events the
	// configuration builds. Empty for none.
	Source string
	// CC is "gcc", "clang" or the path of a compiler; empty to choose.
	CC string
	// Scratch is the folder below which units are compiled; empty for the
	// system's folder for temporary files.
	Scratch string
	// Jobs bounds the compilers run at once; 0 for one a core.
	Jobs int
	// Report receives progress, from one goroutine at a time; nil for none.
	Report func(Progress)
}

// Stage is a step of the pipeline, as doc.go numbers them.
type Stage string

// The stages.
const (
	StageFind    Stage = "find"
	StagePlan    Stage = "plan"
	StageCompile Stage = "compile"
	StageMine    Stage = "mine"
	StageFill    Stage = "fill"
	StageCheck   Stage = "check"
)

// Progress is one step forward.
type Progress struct {
	Stage Stage
	// Round counts how often units were compiled: more than once where headers
	// had to be repaired. Of StageCompile only.
	Round int
	// Detail is one line for a person: "152 trace headers in 2 units".
	Detail string
}

// Target is what a request resolves to before anything is compiled.
type Target struct {
	// Release of the kernel; empty when the source does not tell.
	Release string
	// Tree is the absolute path of the build tree or BTF file.
	Tree string
	// FromBTF: there are no headers, BTF is the only source.
	FromBTF bool
	// Why says, when headers were looked for and not found, what was missing.
	Why string

	tree *kbuild.Tree
}

// sysfs is where the running kernel shows its BTF.
const sysfs = "/sys"

// Resolve finds the request's tree and reads its release, without compiling.
// The running kernel without headers resolves to its own BTF.
func Resolve(_ context.Context, req Request) (*Target, error) {
	if req.Tree == "" && req.BTF != "" {
		path, err := filepath.Abs(req.BTF)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("BTF file: %w", err)
		}
		return &Target{Tree: path, FromBTF: true}, nil
	}
	where := req.Tree
	if where == "" {
		var err error
		if where, err = runningRelease(); err != nil {
			return nil, err
		}
	}
	tree, err := kbuild.Find(where)
	if err == nil {
		return &Target{Release: tree.Release, Tree: tree.Build, tree: tree}, nil
	}
	own := filepath.Join(sysfs, "kernel", "btf")
	if req.Tree == "" && (errors.Is(err, kbuild.ErrNoTree) || errors.Is(err, kbuild.ErrDangling)) {
		if _, berr := os.Stat(filepath.Join(own, "vmlinux")); berr == nil {
			return &Target{Release: where, Tree: own, FromBTF: true, Why: err.Error()}, nil
		}
	}
	return nil, err
}

func runningRelease() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", fmt.Errorf("release of the running kernel: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Extract reads everything that the request's sources tell about one kernel.
// It holds no state, and leaves nothing behind on any way out.
func Extract(ctx context.Context, req Request) (*tpinfo.Snapshot, error) {
	if req.Report == nil {
		req.Report = func(Progress) {}
	}
	if req.Jobs <= 0 {
		req.Jobs = runtime.GOMAXPROCS(0)
	}
	target, err := Resolve(ctx, req)
	if err != nil {
		return nil, err
	}
	req.Report(Progress{Stage: StageFind, Detail: target.Tree})
	if target.FromBTF {
		return extractBTF(ctx, req, target)
	}
	return extractTree(ctx, req, target.tree)
}

// extractTree is the pipeline for a build tree.
func extractTree(ctx context.Context, req Request, tree *kbuild.Tree) (snap *tpinfo.Snapshot, err error) {
	var found []traceheaders.Header
	var compiler *cc.Compiler
	var source *sourceTree
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		defer fault.Catch(&err)
		found, err = traceheaders.Scan(tree)
		return err
	})
	g.Go(func() (err error) {
		compiler, err = cc.Find(gctx, req.CC, tree.Arch)
		return err
	})
	if req.Source != "" {
		g.Go(func() (err error) {
			defer fault.Catch(&err)
			source, err = openSource(gctx, req.Source, tree)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp(req.Scratch, "tpinfo-extract-")
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(scratch); err == nil && rerr != nil {
			err = fmt.Errorf("scratch folder: %w", rerr)
		}
	}()
	shop, err := compile.New(scratch, compile.Config{
		Tree: tree, Compiler: compiler, Roots: source.roots(tree), Supply: supply(source),
	})
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	units := traceheaders.Plan(tree, found, headers.HintFor)
	req.Report(Progress{Stage: StagePlan, Detail: fmt.Sprintf("%d trace headers, %s", len(found), compiler)})

	filler := startFiller(ctx, req.BTF)
	built, failed, err := traceheaders.Build(ctx, shop, units, req.Jobs, func(round int, detail string) {
		req.Report(Progress{Stage: StageCompile, Round: round, Detail: detail})
	})
	if err != nil {
		return nil, err
	}
	req.Report(Progress{Stage: StageMine})
	snap = &tpinfo.Snapshot{}
	var problems []tpinfo.Problem
	var public []string
	snap.Events, snap.Types, public, problems = merge(built)
	problems = append(problems, failed...)
	files := public
	if source != nil {
		if files, problems, err = fromSource(ctx, shop, source, req, snap, public, problems); err != nil {
			return nil, err
		}
	}
	sums, err := readContents(ctx, source.roots(tree), files)
	if err != nil {
		return nil, fmt.Errorf("digest of the headers: %w", err)
	}
	snap.Inputs = tpinfo.Inputs{Files: files, Digest: sums.inputs(tree, files, found), Compiler: compiler.String()}
	if source != nil {
		more, err := sums.fromSource(files, source)
		if err != nil {
			return nil, fmt.Errorf("digest of the source: %w", err)
		}
		snap.Inputs.Digest += sourceMark + more
	}
	snap.Kernel = tpinfo.Kernel{
		ID: sums.identity(tree, public), Release: tree.Release, Arch: tree.Arch.Name,
		ByteOrder: tree.Arch.Order, WordSize: tree.Arch.WordSize, Source: tpinfo.FromDWARF,
		Compiler: compiler.String(), Tree: tree.Build, Extracted: time.Now().UTC().Truncate(time.Second),
	}
	req.Report(Progress{Stage: StageFill, Detail: req.BTF})
	filled, err := filler.fill(snap)
	if err != nil {
		return nil, err
	}
	snap.Kernel.Problems = dedupe(append(append(problems, filled...), check(tree, found, failed, snap)...))
	req.Report(Progress{Stage: StageCheck, Detail: fmt.Sprintf("%d events, %d types", len(snap.Events), len(snap.Types))})
	return snap, nil
}

// supply is what would tell what the headers at hand leave unknown.
func supply(source *sourceTree) []string {
	if source == nil {
		return []string{"--source DIR", "--btf FILE"}
	}
	return []string{"--btf FILE"}
}

// sourceMark parts a digest of inputs from that of what a full source added.
const sourceMark = "-"

// Unchanged reports whether an extraction of req now would read the same
// content as the one that recorded inputs: every header is read and digested,
// nothing is compiled. A request that names no compiler, BTF or source accepts
// any.
func Unchanged(ctx context.Context, req Request, inputs tpinfo.Inputs) (bool, error) {
	target, err := Resolve(ctx, req)
	if err != nil {
		return false, err
	}
	if same, err := sameBTF(ctx, req, target, inputs); err != nil || !same || target.FromBTF {
		return same && target.FromBTF, err
	}
	found, err := traceheaders.Scan(target.tree)
	if err != nil {
		return false, err
	}
	if req.CC != "" {
		compiler, err := cc.Find(ctx, req.CC, target.tree.Arch)
		if err != nil {
			return false, err
		}
		if compiler.String() != inputs.Compiler {
			return false, nil
		}
	}
	recorded, recordedSource, _ := strings.Cut(inputs.Digest, sourceMark)
	files := inputs.Files
	var source *sourceTree
	switch {
	case req.Source != "" && recordedSource == "":
		return false, nil
	case req.Source == "":
		files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return strings.HasPrefix(f, fullRole+":") })
	default:
		if source, err = openSource(ctx, req.Source, target.tree); err != nil {
			return false, err
		}
	}
	sums, err := readContents(ctx, source.roots(target.tree), files)
	if isGone(err) {
		return false, nil
	}
	if err != nil || sums.inputs(target.tree, files, found) != recorded {
		return false, err
	}
	if source == nil {
		return true, nil
	}
	more, err := sums.fromSource(files, source)
	return more == recordedSource, err
}
