// Package remote runs a probe object on another host over ssh.
//
// The host needs an ssh server, a POSIX shell and the usual small programs
// (cat, sed, find, mv), nothing of ours. This machine needs the ssh client, of
// which everything is left to the user's own configuration: keys, agents, jump
// hosts, known hosts.
//
// The way of one run, each step one ssh command:
//
//	1 facts   Open: the host's kernel, architecture and rights, and which tpruns it has
//	2 send    Run: tprun for that architecture, unless the host has it
//	3 run     Run: tprun with the object on its standard input
//
// The first step authenticates and leaves a connection that the others share
// (ControlMaster), in a private folder. It alone may ask the user for a
// password or a confirmation; the others have no terminal, so that a ^C on it
// does not reach the ssh that still has output to bring. Where a host refuses
// to share, each step connects for itself, and only a key or an agent will do.
//
// # tprun on the host
//
// tprun is kept as $HOME/.cache/tpinfo/tprun-SHA256. It is written beside,
// compared (by sha256sum, or by its size where there is none) and renamed, so
// a name stands for its content. Old ones go when a new one comes. Where the
// home directory cannot be written, tprun lies in a new folder below TMPDIR,
// which nobody else can have prepared, and goes when the run ends.
//
// # The run
//
//	[sudo -n --] tprun --stdin SIZE ARG...
//
// Standard input carries the object, SIZE bytes, and stays open. Its end is
// the order to end: tprun takes it as it takes SIGINT, runs its end probes and
// prints what they print. A ^C here closes it; a connection that breaks closes
// it as well, and so does this program when it is killed. So there is no
// process to find and no signal to send, which sudo would not let through, and
// nothing is left behind there. Standard output, standard error and the exit
// status come back as ssh brings them. A host that vanishes without a word is
// noticed here after a minute; there, its sshd decides (TCPKeepAlive,
// ClientAliveInterval).
package remote
