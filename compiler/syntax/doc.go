// Package syntax reads probe scripts, which are SystemTap scripts, into a tree
// and writes trees as text again.
//
//	scan        text to tokens                          token.go, scanner.go
//	preprocess  choose between tokens, expand macros    preprocess.go, condition.go, macro.go
//	parse       tokens to a File                        nodes.go, parser.go, statement.go, expression.go
//	print       a File to text that parses to its like  printer.go
//	walk        every expression of a statement         walk.go
//
// It knows the language and nothing of kernels: names, types and probe points
// are resolved by package check. All errors of a script are reported at once,
// with their places.
package syntax
