// Package object writes and reads compiled scripts: ELF files for EM_BPF that
// any loader takes, with a section of their own for what user space needs.
// docs/object-format.md describes them for those who write a loader.
//
// Writing goes this way:
//
//	object.go  Object: what is to be written; Write
//	code.go    instructions as bytes, with what they refer to
//	btf.go     type information: functions, maps, data
//	btfext.go  which line of the script each instruction comes from
//	script.go  the section .tpinfo
//	elf.go     sections, symbols, the file
//
// Reading trusts nothing:
//
//	read.go      File: what was read; Read
//	sections.go  the file's sections, symbols and relocations, each in its bounds
//	agree.go     whether programs, maps and script speak of the same
//	describe.go  a File as text for people
package object
