package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// failureJSON is the JSON form of an entry of the ledger.
type failureJSON struct {
	Schema  int       `json:"schema"`
	Key     string    `json:"key"`
	Release string    `json:"release"` // empty when not even that is known
	Arch    string    `json:"arch"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason"`
	Supply  []string  `json:"supply"`
	Tools   string    `json:"tools"`
	Tries   int       `json:"tries"`
	When    time.Time `json:"when"`
}

func failureForm(f *tpinfo.Failure) failureJSON {
	return failureJSON{tpinfo.Schema, f.Key, f.Release, f.Arch, f.Subject, f.Reason, cli.NotNil(f.Supply), f.Tools, f.Tries, f.When}
}

// listFailed prints the ledger.
func listFailed(ctx context.Context, a *cli.App) (err error) {
	db, err := a.ReadCache(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := db.Failures(ctx)
	if err != nil {
		return err
	}
	return a.Write(func(w io.Writer) error {
		if a.Settings.Format == "json" {
			for i := range list {
				if err := cli.PrintJSON(w, failureForm(&list[i])); err != nil {
					return err
				}
			}
			return nil
		}
		if len(list) == 0 {
			fmt.Fprintln(a.Err, "Nothing in the cache's ledger: no kernel failed.")
			return nil
		}
		for _, f := range list {
			tools := f.Tools
			if tools == "" {
				tools = "will be tried again"
			}
			fmt.Fprintf(w, "%s  %s\n", a.Style.Bold(cmp.Or(f.Release, f.Subject)),
				a.Style.Dim(fmt.Sprintf("%s, tried %s, %s", f.Arch, cli.Plural(f.Tries, "time"), tools)))
			fmt.Fprintf(w, "  %s\n", cli.Explanation(cmp.Or(f.Release, f.Subject), f.Subject, f.Reason, f.Supply))
		}
		return nil
	})
}
