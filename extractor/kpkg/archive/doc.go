// Package archive reads .deb, .rpm and tar files entry by entry, and writes
// entries below a folder that nothing leaves. What a package is to a kernel it
// does not know.
//
//	1 open    a file, hashed while it is read, once                  reader.go
//	2 about   to what a package says of itself                        about.go
//	            the formats                            ar.go control.go rpm.go
//	3 walk    to entries                                               walk.go
//	            unpacked, whatever packs them                    decompress.go
//	            in their archive                                tar.go cpio.go
//	            checked                                               entry.go
//	4 write   entries to files and links below a root                  sink.go
//
// Archives are foreign input. Nothing of one is run, no path or link of one
// leaves the root, and sizes, counts and ratios are bounded (limits.go); what
// is wrong with one is an [Error] (problem.go). They are read as streams:
// reading one holds a decoder's dictionary and the names in it, not its files.
package archive
