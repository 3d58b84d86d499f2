// Command tprun runs a probe object on this machine: the one program that a
// target needs. It has neither a compiler nor a cache; objects come from tpinfo
// compile.
package main
