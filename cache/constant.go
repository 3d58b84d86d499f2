package cache

import (
	"context"
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// Identity tells which kernel it is: Info without the counts.
func (k *Kernel) Identity() tpinfo.Kernel { return k.info.Kernel }

// Enumerator returns the value of an enum's constant, and whether the kernel
// has one of that name. Of several, that of the enum stored first counts.
func (k *Kernel) Enumerator(ctx context.Context, name string) (value int64, known bool, err error) {
	err = k.all(ctx, layout.KindType, func(of string, stored layout.Packed) error {
		if known || !strings.HasPrefix(of, "enum ") {
			return nil
		}
		body, err := stored.Unpack()
		if err != nil || !strings.Contains(string(body), name) {
			return err
		}
		t, err := layout.DecodeType(of, body)
		if err != nil {
			return err
		}
		for _, e := range t.Enumerators {
			if e.Name == name {
				value, known = e.Value, true
			}
		}
		return nil
	})
	return value, known, err
}

// Header is where a compiler asks for a type that only a header defines. The
// cache compiles nothing: the error says how to add it.
func (k *Kernel) Header(_ context.Context, headers []string, typeName string) (*tpinfo.Type, error) {
	return nil, fmt.Errorf("kernel %s has no type %q in the cache, and <%s> is not compiled here: extract the kernel from its build tree, with the BTF of its image (tpinfo extract --btf FILE) where that has it",
		k.info.Release, typeName, strings.Join(headers, ">, <"))
}
