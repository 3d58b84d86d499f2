// Package compiler turns probe scripts, which are SystemTap scripts, into
// objects that run on the kernel they were compiled for.
//
//	1 scan      text to tokens                              syntax
//	2 parse     tokens to a tree                            syntax
//	3 resolve   probe points, names, $targets               check
//	4 type      what is long, string or aggregate, sizes    check
//	5 lower     the typed form, over virtual registers      codegen
//	6 generate  registers, instructions                     codegen/vcode
//	7 emit      an ELF file                                 object
//
// What the kernel hands to a probe comes through check.Metadata, which the
// cache satisfies. Package runner runs objects; package remote does so on
// another host.
package compiler
