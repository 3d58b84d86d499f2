package runner

import "strings"

// CommandLine makes a program and its arguments of the text of -c, for
// Options.Command; nothing of a text that has none. As with SystemTap
// the process is the command's own. What only a shell understands goes to one,
// which gives its process to a simple command and stays for anything more.
func CommandLine(command string) []string {
	fields := strings.Fields(command)
	assigns := len(fields) > 0 && strings.Contains(fields[0], "=")
	switch {
	case !assigns && !strings.ContainsAny(command, "\"'\\$`*?[]{}~#!&|;<>()\n"):
		return fields
	case !assigns && !strings.ContainsAny(command, "&|;()\n"):
		return []string{"/bin/sh", "-c", "exec " + command}
	}
	return []string{"/bin/sh", "-c", command}
}
