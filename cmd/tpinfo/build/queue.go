package build

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue"
)

// queueFlags are those of the commands that talk to a queue.
func queueFlags(f *pflag.FlagSet) {
	f.String("queue", "", "share the work over this NATS server: nats://[USER:PASSWORD@]HOST[:PORT] or tls://…, nodes of a cluster with commas between; in a password %40 stands for @, %2F for /")
	f.String("queue-creds", "", "file with the user's credentials for the queue")
	f.String("queue-ca", "", "file with the authority that vouches for the queue's certificate")
}

func queueServer(a *cli.App) natsqueue.Server {
	return natsqueue.Server{URL: a.Settings.Queue, Creds: a.Settings.QueueCreds, CA: a.Settings.QueueCA}
}

// logLevel is usual, or the level above it with -q, or all with -v.
func logLevel(a *cli.App, usual slog.Level) slog.Level {
	switch {
	case a.Settings.Quiet:
		return usual + slog.LevelWarn - slog.LevelInfo
	case a.Settings.Verbose:
		return slog.LevelDebug
	}
	return usual
}

// noteLog writes what a coordinator has to say as notes.
func noteLog(a *cli.App, w io.Writer) *slog.Logger {
	return slog.New(&lines{w: w, level: logLevel(a, slog.LevelWarn), prefix: func(slog.Record) string { return "note: " }})
}

// workerLog writes a worker's doings: a line each with the time, or JSON.
func workerLog(a *cli.App) *slog.Logger {
	level := logLevel(a, slog.LevelInfo)
	if a.Settings.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.Out, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(&lines{w: a.Out, level: level, prefix: func(r slog.Record) string { return r.Time.Format("15:04:05 ") }})
}

// lines is a log for people: what it is about, what happened, and the rest in
// parentheses.
type lines struct {
	w      io.Writer
	level  slog.Level
	prefix func(slog.Record) string
	attrs  []slog.Attr
}

// Enabled implements slog.Handler.
func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// WithAttrs implements slog.Handler.
func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	with.attrs = append(with.attrs[:len(with.attrs):len(with.attrs)], attrs...)
	return &with
}

// WithGroup implements slog.Handler. Nothing here has groups.
func (l *lines) WithGroup(string) slog.Handler { return l }

// Handle implements slog.Handler.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	about, why := "", ""
	var rest []string
	add := func(a slog.Attr) bool {
		switch value := a.Value.Resolve(); {
		case a.Key == "release":
			about = value.String() + ": "
		case a.Key == "error":
			why = ": " + strings.ReplaceAll(value.String(), "\n", "; ")
		case a.Key == "worker":
			// It is this one.
		case value.Kind() == slog.KindFloat64:
			rest = append(rest, fmt.Sprintf("%s %.1f", a.Key, value.Float64()))
		default:
			rest = append(rest, a.Key+" "+value.String())
		}
		return true
	}
	for _, a := range l.attrs {
		add(a)
	}
	r.Attrs(add)
	line := l.prefix(r) + about + r.Message
	if len(rest) > 0 {
		line += " (" + strings.Join(rest, ", ") + ")"
	}
	_, err := io.WriteString(l.w, line+why+"\n")
	return err
}
