package inspect

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// typeJSON is the JSON form of a type: all keys, whatever kind it is.
type typeJSON struct {
	Schema int    `json:"schema"`
	Kernel string `json:"kernel"`
	*tpinfo.Type
	Encoding    tpinfo.Encoding     `json:"encoding"`
	Of          string              `json:"of"`
	Anon        *tpinfo.Type        `json:"anon"`
	Members     []tpinfo.Member     `json:"members"`
	Enumerators []tpinfo.Enumerator `json:"enumerators"`
}

func typeForm(release string, t *tpinfo.Type) typeJSON {
	return typeJSON{tpinfo.Schema, release, t, t.Encoding, t.Of, t.Anon, cli.NotNil(t.Members), cli.NotNil(t.Enumerators)}
}

// placeJSON is the JSON form of a member's place.
type placeJSON struct {
	Schema int    `json:"schema"`
	Kernel string `json:"kernel"`
	Path   string `json:"path"`
	cache.Place
}

// Type is "tpinfo type".
func Type(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "type NAME[.member...]...",
		Short: "Draw a C type, or tell where a member lies",
		Long: `Draw a type as C, with the offset and size of each member in bytes; or, for a
path of members, tell its offset in the outermost type, its size and its type.
NAME may leave out struct, union or enum. A glob lists the names that match.`,
		Example: `  tpinfo type task_struct
  tpinfo type task_struct.se.load.weight
  tpinfo type 'task_struct.comm[3]' -k 6.12.1-amd64
  tpinfo type 'enum hrtimer*'`,
		Args:              cli.Some("a type, such as task_struct"),
		ValidArgsFunction: a.CompleteTypes,
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.WithKernel(cmd.Context(), func(k *cache.Kernel) error {
				return a.Write(func(w io.Writer) error {
					for _, name := range joinKeywords(words) {
						if err := showType(cmd.Context(), a, w, k, name); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

// joinKeywords joins a keyword with the name that follows it, so that
// "tpinfo type struct page" needs no quotes.
func joinKeywords(words []string) []string {
	var names []string
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "struct", "union", "enum", "unsigned", "signed", "long", "short":
			if i+1 < len(words) {
				words[i+1] = words[i] + " " + words[i+1]
				continue
			}
		}
		names = append(names, words[i])
	}
	return names
}

func showType(ctx context.Context, a *cli.App, w io.Writer, k *cache.Kernel, name string) error {
	if i := strings.IndexAny(name, ".["); i > 0 && !strings.ContainsAny(name, "*?") {
		path := strings.TrimPrefix(name[i:], ".")
		if path == "" || strings.HasSuffix(path, ".") {
			return cli.Usagef("%s: a member's name follows the dot", name)
		}
		at, err := k.Member(ctx, name[:i], path)
		if err != nil {
			return err
		}
		return showPlace(a, w, k.Info().Release, name, at)
	}
	if strings.ContainsAny(name, "*?[") {
		return listTypes(ctx, a, w, k, name)
	}
	t, err := k.Type(ctx, name)
	if err != nil {
		return err
	}
	if a.Settings.Format == "json" {
		return cli.PrintJSON(w, typeForm(k.Info().Release, t))
	}
	draw(a, w, t, "")
	return nil
}

func showPlace(a *cli.App, w io.Writer, release, path string, at cache.Place) error {
	if a.Settings.Format == "json" {
		return cli.PrintJSON(w, placeJSON{tpinfo.Schema, release, path, at})
	}
	line := fmt.Sprintf("%s: offset %s, size %s", cli.Declare(at.Type, path), at.Offset, at.Size)
	if at.BitSize > 0 {
		line = fmt.Sprintf("%s:%d: %d bits from bit %d of the byte at offset %s", cli.Declare(at.Type, path), at.BitSize, at.BitSize, at.BitOffset, at.Offset)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

func listTypes(ctx context.Context, a *cli.App, w io.Writer, k *cache.Kernel, pattern string) error {
	names, err := k.TypeNames(ctx, pattern)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("no type matches %q in %s", pattern, k.Info().Release)
	}
	for _, name := range names {
		if a.Settings.Format == "json" {
			t, err := k.Type(ctx, name)
			if err != nil {
				return err
			}
			if err := cli.PrintJSON(w, typeForm(k.Info().Release, t)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(w, name)
	}
	return nil
}
