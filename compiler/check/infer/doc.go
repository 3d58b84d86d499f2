// Package infer knows the names of a script and learns their types, as SystemTap
// does it: a pass over the script asks for what is known of a name and says what
// a place needs; what is not known yet is Open, and the next pass knows more.
//
//	script.go    Script: what all scopes share, and how far the pass is
//	scope.go     Scope: what a handler or a function can name; nodes with their places
//	variable.go  Variable: a name that has a type
//	value.go     Value: what an expression gives; what is learned, and conflicts
//	globals.go   globals: declared, and as the program has them
//	fold.go      constants
//
// Errors are counted in every pass, for those that depend on them, and told in
// the last one only, when all that can be known is.
package infer
