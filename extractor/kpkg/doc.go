// Package kpkg opens kernel packages without installing them.
//
//	1 inspect  one file to what it says of itself: name, version, release       inspect.go
//	2 find     files, folders and trees to the sets that make up one kernel each   find.go
//	           what a package is to a kernel                         role.go version.go
//	           folders, tarballs                                   folder.go tarball.go
//	           headers, images and sources to sets                              join.go
//	3 open     a set to a build tree, BTF and a source in a scratch folder      open.go
//	           what is kept of each                                           layout.go
//	           what sets share, once                                  part.go source.go
//	           which headers they were                             digest.go content.go
//
// Packages are foreign input. Package archive alone reads their bytes and
// writes what is kept of them: nothing of one is run, no path or link of one
// leaves the scratch folder, and sizes, counts and ratios are bounded.
package kpkg
