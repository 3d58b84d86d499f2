package cli

import "github.com/spf13/cobra"

// Some wants one argument or more, which are what is said.
func Some(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return Usagef("expected %s", what)
	}
}

// One wants exactly one argument, which is what is said.
func One(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return Usagef("expected %s", what)
		case 1:
			return nil
		}
		return Usagef("unexpected argument %q", args[1])
	}
}

// None wants no argument.
func None(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return Usagef("unexpected argument %q", args[0])
}
