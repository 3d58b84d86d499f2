package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// mountedTracefs are the places where tracefs is usually mounted.
var mountedTracefs = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// openTracefs opens the root folder of tracefs. Where it is not mounted, it is
// mounted for this process alone, outside of every folder: closing the result,
// or dying, ends that mount. That takes Linux 5.2 and CAP_SYS_ADMIN.
func openTracefs() (*os.Root, error) {
	for _, dir := range mountedTracefs {
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		if _, err = root.Stat("events"); err == nil {
			return root, nil
		}
		root.Close()
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("tracefs in %s cannot be read: %w; run as root", dir, err)
		}
	}
	root, err := privateTracefs()
	if err != nil {
		return nil, fmt.Errorf("tracefs, which tells the numbers of events, is not mounted (mount -t tracefs tracefs %s) and cannot be mounted: %w", mountedTracefs[0], err)
	}
	return root, nil
}

func privateTracefs() (*os.Root, error) {
	config, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(config)
	if err := unix.FsconfigCreate(config); err != nil {
		return nil, err
	}
	mount, err := unix.Fsmount(config, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(mount)
	return os.OpenRoot("/proc/self/fd/" + strconv.Itoa(mount))
}

// eventID reads the number that perf_event_open knows an event by.
func eventID(tracefs *os.Root, system, event string) (uint64, error) {
	text, err := readEventFile(tracefs, system, event, "id")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the number of %s:%s: %w", system, event, err)
	}
	return id, nil
}

func readEventFile(tracefs *os.Root, system, event, file string) (string, error) {
	data, err := tracefs.ReadFile(path.Join("events", system, event, file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w %s:%s%s", errNoEvent, system, event, inModule)
	}
	return string(data), err
}

// checkField checks a field of a record against the event's format file.
func checkField(prog *ir.Program, f *ir.Fact) verdict {
	tracefs, err := openTracefs()
	if err != nil {
		return unknown("%v", err)
	}
	defer tracefs.Close()
	system := ""
	for i := range prog.Probes {
		if p := &prog.Probes[i]; p.Kind == ir.Tracepoint && p.Event == f.Event {
			system = p.System
		}
	}
	format, err := readEventFile(tracefs, system, f.Event, "format")
	if err != nil {
		return unknown("%v", err)
	}
	offset, size, ok := fieldPlace(format, f.Member)
	if !ok {
		return differs("the record of %s:%s has no field %s here", system, f.Event, f.Member)
	}
	return compare(f, 8*offset, 0, size)
}

// fieldPlace finds a field in the text of a format file (f_show in
// kernel/trace/trace_events.c), which has a line for each:
//
//	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;
//	field:__data_loc char[] msg;	offset:8;	size:4;	signed:1;
func fieldPlace(format, name string) (offset, size int64, ok bool) {
	for line := range strings.Lines(format) {
		declared, rest, found := strings.Cut(strings.TrimSpace(line), ";")
		declared, isField := strings.CutPrefix(declared, "field:")
		if !found || !isField {
			continue
		}
		declared, _, _ = strings.Cut(declared[strings.LastIndexByte(declared, ' ')+1:], "[")
		if strings.TrimLeft(declared, "*") != name {
			continue
		}
		_, err := fmt.Sscanf(strings.TrimSpace(rest), "offset:%d;\tsize:%d;", &offset, &size)
		return offset, size, err == nil
	}
	return 0, 0, false
}
