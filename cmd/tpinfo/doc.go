// Command tpinfo knows what every Linux tracepoint hands to a probe.
//
// Each package below it has the commands for one thing that people do:
//
//	build    extract, prebuild, worker        make kernels known
//	inspect  kernels, list, show, type, verify  ask one kernel
//	across   diff, history                    ask all of them
//	probe    check, compile, run              use what is known for scripts
//	store    cache, push, pull                keep it, hand it on
//	cli      what all of these stand on
//
// A command is a function of a [cli.App], which is one run of the program. Work
// is done by packages extractor, cache and compiler; here it is asked for and
// shown. This package joins the commands (root.go), and knows the exit statuses.
package main
