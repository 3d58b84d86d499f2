// Package checktest is for the tests of package check and of those that it is
// made of: a kernel that needs no cache, and what a script means on it.
//
//	kernel.go  Kernel
//	script.go  WantLines, WantErrors: lines of the program, and errors with their places
package checktest
