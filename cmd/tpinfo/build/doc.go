// Package build makes kernels known to the cache: one tree with Extract, many
// packages with Prebuild, and for a Prebuild on another machine with Worker.
//
// The work is done by packages extractor and fleet, which never see a cache. Here
// they are told what the cache knows (keep.go), which compilers there are
// (compiler.go) and where progress is shown (progress.go, display.go); what comes
// back is kept, counted and explained (summary.go).
package build
