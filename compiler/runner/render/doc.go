// Package render turns what probes send into the bytes that SystemTap would
// print: formats, histograms, pretty forms, stacks and symbols.
//
// Text is bytes here, never UTF-8: a string of the target is shown as it is.
//
//	printer.go    Printer, and the values it is given
//	decode.go     a record of the ring buffer, taken apart
//	format.go     printf
//	number.go     the directives for numbers
//	shape.go      "$x$": structs, arrays, character arrays
//	histogram.go  @hist_log and @hist_linear
//	symbol.go     stacks, symbols and system calls
//	quote.go      text_str and string_quoted
//
// The rules are SystemTap's own (its runtime/vsprintf.c, stat-common.c, sym.c
// and stp_string.c, version 4.8), and the tests hold this package against those
// files where they are installed.
package render
