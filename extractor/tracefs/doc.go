// Package tracefs reads the format files of a mounted tracefs,
// events/SYSTEM/EVENT/format: the running kernel's own account of each event's
// record. They tell nothing of arguments.
package tracefs
