package main

import "strings"

// words makes a program and its arguments of the text of -c. As with SystemTap
// the process is the command's own. What only a shell understands goes to one,
// which gives its process to a simple command and stays for anything more.
func words(command string) []string {
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
