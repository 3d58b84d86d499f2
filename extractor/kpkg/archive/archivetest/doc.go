// Package archivetest makes archives for tests: tar, ar, .deb, cpio and RPM, good
// ones and ones that no program would write; and it looks at what came of them.
// It shares nothing with the package that reads them but the errors.
package archivetest
