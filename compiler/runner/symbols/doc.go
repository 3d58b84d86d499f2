// Package symbols knows the names that a target's numbers have: of kernel
// addresses, from /proc/kallsyms, and of system calls, from tables.
package symbols
