package check

import (
	_ "embed"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

//go:embed prelude.stp
var preludeText string

// prelude returns the functions of a name that are written in the language
// itself. It is parsed when something asks for it first.
func (c *checker) prelude(name string) []*function {
	if c.library == nil {
		c.library = map[string][]*function{}
		src := &diag.Source{Name: "prelude.stp", Text: preludeText}
		f, err := syntax.Parse(src, syntax.Options{})
		if err != nil {
			c.fail(err)
			return nil
		}
		for _, decl := range f.Functions {
			c.library[decl.Name] = append(c.library[decl.Name], c.newFunction(decl, src))
		}
	}
	return c.library[name]
}
