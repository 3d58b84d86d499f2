package natsqueue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// requestLimit is how long one request to the server may take.
const requestLimit = 5 * time.Second

// Errors of the server that the client has no name for
// (nats-server, server/errors.json).
const (
	codeInsufficientResources = 10023 // JSInsufficientResourcesErr
	codeNoPeers               = 10005 // JSClusterNoPeersErrF
	codeNotAvailable          = 10008 // JSClusterNotAvailErr
	codeMaxStorage            = 10047 // JSStorageResourcesExceededErr
	codeMaxResources          = 10002 // JSAccountResourcesExceededErr
	codeReplicas              = 10074 // JSStreamReplicasNotSupportedErr
	codeStoreFailed           = 10077 // JSStreamStoreFailedF
	codeOffline               = 10118 // JSStreamOfflineErr
)

func code(err error) int {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return int(api.ErrorCode)
	}
	return 0
}

// tooManyCopies: there are not so many nodes, or not yet.
func tooManyCopies(err error) bool {
	switch code(err) {
	case codeReplicas, codeNoPeers:
		return true
	}
	return false
}

// alreadyQueued: the task waits, or somebody builds it (DiscardNewPerSubject).
func alreadyQueued(err error) bool {
	return code(err) == codeStoreFailed && strings.Contains(err.Error(), "per subject")
}

// isFull: there is no room for more.
func isFull(err error) bool {
	switch code(err) {
	case codeMaxStorage, codeMaxResources, codeInsufficientResources:
		return true
	case codeStoreFailed:
		return strings.Contains(err.Error(), "maximum bytes") || strings.Contains(err.Error(), "no space left")
	}
	return false
}

// passing: worth trying again, for the server is away, restarts or chooses a
// new leader.
func passing(err error) bool {
	if gone(err) {
		return true
	}
	for _, is := range []error{
		nats.ErrTimeout, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, context.DeadlineExceeded,
		jetstream.ErrAsyncPublishTimeout, jetstream.ErrTooManyStalledMsgs, jetstream.ErrConsumerLeadershipChanged,
		jetstream.ErrNoHeartbeat,
	} {
		if errors.Is(err, is) {
			return true
		}
	}
	switch code(err) {
	case codeNotAvailable, codeOffline:
		return true
	}
	var connection *net.OpError
	return errors.As(err, &connection)
}

// gone: a place is not there, or its server does not have it yet.
func gone(err error) bool {
	for _, is := range []error{
		nats.ErrNoResponders, jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled,
		jetstream.ErrStreamNotFound, jetstream.ErrBucketNotFound, jetstream.ErrConsumerNotFound, jetstream.ErrConsumerDeleted,
	} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// persist calls f, each time with a limit, until it succeeds, fails for good,
// or ctx ends. Places that are gone are made again.
func (q *Queue) persist(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	wait := 50 * time.Millisecond
	for {
		err := q.within(ctx, limit, f)
		if err == nil || !passing(err) || q.nc.IsClosed() {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
		if gone(err) {
			// What fails here shows again in f.
			_ = q.within(ctx, limit, q.ensureAll)
		}
	}
}

// within calls f with a limit. When the connection is lost there will be no
// answer, and f ends at once.
func (q *Queue) within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	link := *q.link.Load()
	defer context.AfterFunc(link, cancel)()
	err := f(inner)
	if err != nil && link.Err() != nil && ctx.Err() == nil && errors.Is(err, context.Canceled) {
		return nats.ErrDisconnected
	}
	return err
}

// explain says an error of the server for a person: what is wrong with which
// queue and what to do about it.
func (q *Queue) explain(err error) error {
	say := func(what string, next string) error {
		return fmt.Errorf("queue %s %s: %w\n%s", q.where, what, err, next)
	}
	var unknownCA x509.UnknownAuthorityError
	var badCert *tls.CertificateVerificationError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		return say("lets nobody in like this", "Give a user and password in its address, nats://USER:PASSWORD@HOST, or a credentials file with --queue-creds FILE")
	case errors.As(err, &unknownCA), errors.As(err, &badCert):
		return say("shows a certificate that nothing vouches for", "Name the file of the authority that signed it with --queue-ca FILE")
	case errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired):
		return say("and this side disagree about TLS", "Write its address with tls:// when the server has TLS, with nats:// when it has not")
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return say("is a NATS server without JetStream", "Start it with 'nats-server -js', or let this account use JetStream")
	case isFull(err):
		return say("is full", "Give JetStream more room: max_file_store in the server's configuration, or the account's max_disk_storage; finished work is deleted from it as it is collected")
	case errors.Is(err, nats.ErrNoServers), q.nc == nil:
		return say("cannot be reached", "Check the address; a server of your own starts with 'nats-server -js'")
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return say("does not answer", "See whether the server works, and in a cluster whether most of its nodes do")
	}
	return fmt.Errorf("queue %s: %w", q.where, err)
}
