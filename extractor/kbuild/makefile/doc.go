// Package makefile evaluates the subset of GNU make that kernel Makefiles
// use to say what is built, with which flags: variables, conditionals,
// includes and the text functions. It runs nothing: rules and recipes are
// passed over, and what only a command could tell is unknown.
//
//	read       lines to assignments, conditionals, includes
//	expand     $(NAME), $(NAME:a=b) and what a variable holds
//	functions  $(filter …), $(call …) and the others, in one table
//	unknown    values that cannot be told, with the reason
//
// An unknown is a word like any other and goes where a value would go: into
// the list it was to be added to, through the functions, and, out of a
// conditional, into every variable that a branch of it assigns. Whoever reads
// a variable sees by Unknowns whether it is whole.
//
// Source: the manual of GNU make 4.3, whose answers the tests compare with.
package makefile
