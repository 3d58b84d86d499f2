package eval

import (
	"errors"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// flow says how a statement ended.
type flow int

const (
	on       flow = iota // the next statement follows
	broke                // break
	again                // continue
	returned             // return
)

func (f *frame) exec(n *ir.Node) (flow, error) {
	if n == nil {
		return on, damaged(n)
	}
	switch n.Op {
	case ir.Block:
		for _, statement := range n.Args {
			if how, err := f.exec(statement); err != nil || how != on {
				return how, err
			}
		}
		return on, nil
	case ir.Eval:
		_, err := f.eval(arg(n, 0))
		return on, err
	case ir.If:
		yes, err := f.truth(arg(n, 0))
		switch {
		case err != nil:
			return on, err
		case yes:
			return f.exec(arg(n, 1))
		case len(n.Args) > 2 && n.Args[2] != nil:
			return f.exec(n.Args[2])
		}
		return on, nil
	case ir.Loop:
		return f.loop(n)
	case ir.ForEach:
		return f.forEach(n)
	case ir.Break:
		return broke, nil
	case ir.Continue:
		return again, nil
	case ir.Next:
		return on, errNext
	case ir.Return:
		if arg(n, 0) != nil {
			v, err := f.eval(n.Args[0])
			if err != nil {
				return on, err
			}
			f.result = v
		}
		return returned, nil
	case ir.Delete:
		return on, f.delete(n)
	case ir.Try:
		return f.try(n)
	case ir.StatAdd:
		return on, f.statAdd(n)
	case ir.Print:
		return on, f.print(n)
	case ir.Histogram:
		return on, f.histogram(n)
	case ir.Fail:
		message, err := f.str(arg(n, 0))
		if err == nil {
			err = fail(n, "%s", message)
		}
		return on, err
	case ir.Exit:
		f.exit = true
		if f.host.Exit != nil {
			f.host.Exit()
		}
		return on, nil
	default:
		return on, damaged(n)
	}
}

func (f *frame) loop(n *ir.Node) (flow, error) {
	for {
		if err := f.step(); err != nil {
			return on, err
		}
		if cond := arg(n, 0); cond != nil {
			if yes, err := f.truth(cond); err != nil || !yes {
				return on, err
			}
		}
		how, err := f.exec(arg(n, 2))
		switch {
		case err != nil || how == returned:
			return how, err
		case how == broke:
			return on, nil
		}
		if step := arg(n, 1); step != nil {
			if _, err := f.eval(step); err != nil {
				return on, err
			}
		}
	}
}

// try runs the second part after an error of the script in the first. next and
// exit() are no errors.
func (f *frame) try(n *ir.Node) (flow, error) {
	how, err := f.exec(arg(n, 0))
	var caught *RuntimeError
	if !errors.As(err, &caught) {
		return how, err
	}
	if n.Int >= 0 {
		if n.Int >= int64(len(f.locals)) || f.decls[n.Int].Type != ir.String {
			return on, damaged(n)
		}
		f.locals[n.Int] = f.fitted(Text(caught.Message), f.decls[n.Int].Size)
	}
	if arg(n, 1) == nil {
		return on, nil
	}
	return f.exec(n.Args[1])
}

func (f *frame) delete(n *ir.Node) error {
	if len(n.Args) == 0 {
		if _, err := f.array(n, n.Int); err != nil {
			return err
		}
		return stored(n, f.store.Clear(int(n.Int)))
	}
	p, err := f.place(n.Args[0])
	if err != nil {
		return err
	}
	if p.op == ir.GetLoc {
		return damaged(n)
	}
	return stored(n, f.store.Delete(p.index, p.keys))
}

func (f *frame) statAdd(n *ir.Node) error {
	p, err := f.place(arg(n, 0))
	if err != nil {
		return err
	}
	if p.typ != ir.Stats || p.op == ir.GetLoc {
		return damaged(n)
	}
	v, err := f.long(arg(n, 1))
	if err != nil {
		return err
	}
	return stored(n, f.store.AddStat(p.index, p.keys, v))
}

func (f *frame) print(n *ir.Node) error {
	site, values, err := f.values(n)
	if err != nil {
		return err
	}
	if f.out, err = f.host.Printer.Format(f.out[:0], site, values); err != nil {
		return err
	}
	return f.write(site)
}

// histogram prints a histogram, then what the site has beside it.
func (f *frame) histogram(n *ir.Node) error {
	site, err := f.site(n)
	if err != nil {
		return err
	}
	s, g, err := f.aggregate(n, arg(n, 0), false)
	if err != nil {
		return err
	}
	if g.Stats == nil {
		return damaged(n)
	}
	buckets := s.Log
	if site.Hist == "linear" {
		buckets = s.Linear
	}
	if f.out, err = render.Histogram(f.out[:0], g.Stats, site.Hist, buckets); err != nil {
		return err
	}
	if f.out, err = f.host.Printer.Format(f.out, site, nil); err != nil {
		return err
	}
	return f.write(site)
}

func (f *frame) write(site *ir.Site) error {
	w := f.host.Stdout
	if site.Stderr {
		w = f.host.Stderr
	}
	_, err := w.Write(f.out)
	return err
}
