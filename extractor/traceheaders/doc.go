// Package traceheaders compiles the trace headers of a build tree in a few large
// units: what they take for granted is read once, and not by every header.
//
//	1 scan     a tree to its trace headers                                 scan.go
//	2 plan     headers to units, with what is known of their needs         plan.go, need.go
//	3 write    a unit as C; which line stands for which header             unit.go
//	4 build    units to what their objects tell, in rounds                 build.go, compile
//	5 blame    the compiler's complaints to the headers they are about     blame.go, hopeless.go
//	6 repair   a complaint to a need: what a header lacks is included,     repair.go, seek.go
//	           declared, or given up event by event
//
// A header that is repaired takes part in the next round; one that resists is a
// problem. Steps give up as little as they can, and what was given up says so.
package traceheaders
