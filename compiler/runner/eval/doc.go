// Package eval runs the probes of a program that do not run in the kernel:
// begin, end, error and timers, over the same globals as those that do.
package eval
