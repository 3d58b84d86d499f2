// Package extractor turns a kernel build tree into a tpinfo.Snapshot.
package extractor
