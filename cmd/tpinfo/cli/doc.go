// Package cli is what the commands of tpinfo stand on.
//
// A command is a function of an [App], one run of the program: its streams, its
// settings and the style of its output. Its way through this package:
//
//  1. arguments    Some, One, None refuse what is wrong usage (args.go)
//  2. settings     Configure joins flags, environment and file (settings.go)
//  3. kernels      WithKernel, WithKernels open the cache (cache.go, kernel.go)
//  4. words        tables, styles, numbers, spellings, JSON lines
//  5. output       Write to standard output, or to a file that appears whole
//
// Errors go back to the program, which knows their exit statuses (errors.go)
// and has the next step added to those from below (advice.go). Package cli
// knows no command.
package cli
