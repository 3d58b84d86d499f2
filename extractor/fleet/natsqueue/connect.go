package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Server says where a queue is and how to be let in.
type Server struct {
	// URL is nats://[USER:PASSWORD@]HOST[:PORT] or tls://…; several nodes of
	// one cluster are separated by commas.
	URL string
	// Creds is a file with a user's JWT and key, and CA one with the
	// certificates that vouch for the server; empty for none and for those of
	// the system.
	Creds, CA string
	// Patience is how long a worker may be silent before its task goes to
	// another: 0 for DefaultPatience. It is a property of the queue, and
	// whoever makes the queue sets it.
	Patience time.Duration
}

// DefaultPatience is many times what a worker's sign of life takes.
const DefaultPatience = 30 * time.Second

// giveUp is how long a coordinator waits for a server that went away. A worker
// waits for ever.
const giveUp = 10 * time.Minute

// Queue is a connection to a queue. Its methods may be called from several
// goroutines.
type Queue struct {
	log      *slog.Logger
	where    string // the address, without a password
	patience time.Duration

	nc *nats.Conn
	js jetstream.JetStream
	// lostAt is when the connection was lost, in nanoseconds of this
	// process; 0 while there is one.
	lostAt atomic.Int64
	began  time.Time
	// link ends when the connection does; there is another one with the next.
	link   atomic.Pointer[context.Context]
	unlink context.CancelFunc
	small  atomic.Bool // the cluster has fewer than three nodes
	places
}

// Connect reaches a queue, and makes its streams where they are not there yet.
// Connections that break later are made again; the log tells.
func Connect(ctx context.Context, server Server, log *slog.Logger) (*Queue, error) {
	urls, where, err := addresses(server.URL)
	if err != nil {
		return nil, err
	}
	q := &Queue{log: log, where: where, patience: server.Patience, began: time.Now()}
	q.relink()
	if q.patience <= 0 {
		q.patience = DefaultPatience
	}
	host, err := os.Hostname()
	if err != nil {
		host = "a machine without a name"
	}
	options := []nats.Option{
		nats.Name("tpinfo on " + host), nats.Timeout(5 * time.Second),
		nats.SetCustomDialer(dialer{ctx}),
		nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectJitter(200*time.Millisecond, 500*time.Millisecond),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(3),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			q.unlink()
			if ctx.Err() == nil && err != nil {
				q.lostAt.Store(max(1, int64(time.Since(q.began))))
				log.Warn("lost the queue, trying to reach it again", "queue", where, "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			q.lostAt.Store(0)
			q.relink()
			log.Info("reached the queue again", "queue", c.ConnectedAddr())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("queue", "error", err)
		}),
	}
	for _, file := range []struct{ option, path string }{{"--queue-creds", server.Creds}, {"--queue-ca", server.CA}} {
		if file.path == "" {
			continue
		}
		var at *fs.PathError
		if _, err := os.Stat(file.path); errors.As(err, &at) {
			return nil, fmt.Errorf("queue %s: %s %s: %w", where, file.option, file.path, at.Err)
		}
	}
	if server.Creds != "" {
		options = append(options, nats.UserCredentials(server.Creds))
	}
	if server.CA != "" {
		options = append(options, nats.RootCAs(server.CA))
	}
	if q.nc, err = nats.Connect(urls, options...); err != nil {
		return nil, q.explain(err)
	}
	if q.js, err = jetstream.New(q.nc, jetstream.WithDefaultTimeout(requestLimit), jetstream.WithPublishAsyncTimeout(2*requestLimit)); err != nil {
		q.nc.Close()
		return nil, q.explain(err)
	}
	if err := q.setup(ctx); err != nil {
		q.nc.Close()
		return nil, q.explain(err)
	}
	return q, nil
}

// Close ends the connection; what is on the server stays.
func (q *Queue) Close() { q.nc.Close() }

// relink notes a new connection. Only the client's handlers call it, one at a
// time.
func (q *Queue) relink() {
	ctx, cancel := context.WithCancel(context.Background())
	q.link.Store(&ctx)
	q.unlink = cancel
}

// lostFor is how long there has been no connection.
func (q *Queue) lostFor() time.Duration {
	if at := q.lostAt.Load(); at != 0 {
		return time.Since(q.began) - time.Duration(at)
	}
	return 0
}

// dialer gives up when its context ends.
type dialer struct{ ctx context.Context }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(d.ctx, network, address)
}

// ErrAddress says that a queue's address is none.
var ErrAddress = errors.New("the queue's address is nats://[USER:PASSWORD@]HOST[:PORT] or tls://…, several with commas between")

// escaping says how to write what has a meaning in a URL. Without the colon: a
// password may have it as it is.
const escaping = `a user or password is written with %40 for @, %2F for /, %2C for a comma, %3F for ?, %23 for # and %25 for %`

// addresses checks a URL, and returns it for the client and for people, who are
// shown no password.
func addresses(text string) (urls, where string, err error) {
	var all, shown []string
	for _, one := range strings.Split(text, ",") {
		one = strings.TrimSpace(one)
		if one != "" && !strings.Contains(one, "://") {
			one = "nats://" + one
		}
		u, err := url.Parse(one)
		switch scheme, _, _ := strings.Cut(one, "://"); {
		// The text itself may hold a password, and is not shown.
		case scheme != "nats" && scheme != "tls" && !strings.ContainsAny(scheme, "@:/"):
			return "", "", fmt.Errorf("%w; not %s://", ErrAddress, scheme)
		case err == nil && u.Hostname() != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "":
		case strings.ContainsAny(text, "@%"):
			return "", "", fmt.Errorf("%w; %s", ErrAddress, escaping)
		default:
			return "", "", ErrAddress
		}
		all = append(all, one)
		shown = append(shown, u.Scheme+"://"+u.Host)
	}
	return strings.Join(all, ","), strings.Join(shown, ","), nil
}
