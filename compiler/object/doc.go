// Package object writes and reads compiled scripts: ELF files for EM_BPF that
// any loader takes, with a section of their own for what user space needs.
package object
