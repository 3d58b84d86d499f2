// Package kbuild knows what a kernel build tree is: where its parts are, how
// it was configured, and with what flags its headers compile.
//
//	find     a release name or a folder to a Tree: build folder, source folder
//	config   what of the configuration matters here
//	arch     per-architecture facts, in one table
//	flags    a Tree and a compiler to the command line
//
// and what a full source tree beside it says about one source file:
//
//	source   a folder to a Source: the version must be the Tree's
//	rules    its Makefiles, from the top: what is entered, what is asked for
//	object   whether a file is built, into what, or for want of which option;
//	         with which flags
//
// Kbuild itself is never run: it costs more than the compile and, for a
// foreign architecture, its helper programs cannot run at all.
package kbuild
