// Package kpkg opens kernel packages without installing them.
//
//	1 inspect  one file to what it says of itself: name, version, release
//	2 find     files, folders and trees to the sets that make up one kernel each
//	3 open     a set to a build tree and BTF in a scratch folder
//
// Packages are foreign input. Nothing of one is run, no path or link of one
// leaves the scratch folder, and sizes, counts and ratios are bounded.
package kpkg
