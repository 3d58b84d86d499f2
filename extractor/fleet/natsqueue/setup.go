package natsqueue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue/objects"
)

// Names on the server.
const (
	taskStream  = "tpinfo-tasks"
	taskSubject = "tpinfo.task."
	doneSubject = "tpinfo.done."
	stepSubject = "tpinfo.step."
	whoSubject  = "tpinfo.who"
	bucket      = "tpinfo" // of objects and of keys
	keyStream   = "KV_" + bucket
	consumer    = "workers"
)

// keepFor is how long the server keeps what nobody deletes: tasks, packages
// and results of coordinators that never came back.
const keepFor = 3 * 24 * time.Hour

// places are the queue's places on the server.
type places struct {
	tasks   jetstream.Stream
	objects *objects.Store
	keys    jetstream.KeyValue
}

// streams are the three places. Records are read from a stream's leader (no
// AllowDirect): a copy that lags would say that what was just written is not
// there. Chunks of objects come from any copy.
func streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name: taskStream, Description: "kernels to build, one message each",
		Subjects: []string{taskSubject + "*"}, Retention: jetstream.WorkQueuePolicy,
		// A task that waits already is refused: it is queued once, whoever
		// offers it and however often (server 2.9 and later).
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		MaxAge: keepFor,
	}, {
		Name: objects.StreamOf(bucket), Description: "packages and results, by their SHA-256",
		Subjects: objects.SubjectsOf(bucket),
		Discard:  jetstream.DiscardNew, AllowRollup: true, AllowDirect: true, MaxAge: keepFor,
	}, {
		Name: keyStream, Description: "what became of each task",
		Subjects:          []string{"$KV." + bucket + ".>"},
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, AllowRollup: true, DenyDelete: true, MaxAge: keepFor,
	}}
}

// setup finds the places or makes them.
func (q *Queue) setup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinLimit+6*requestLimit)
	defer cancel()
	// A server without JetStream says so at once; a cluster that chooses its
	// leader says nothing.
	err := q.within(ctx, requestLimit, func(ctx context.Context) error {
		_, err := q.js.AccountInfo(ctx)
		return err
	})
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return err
	}
	return q.persist(ctx, joinLimit+2*requestLimit, func(ctx context.Context) error {
		err := q.ensureAll(ctx)
		if err != nil {
			return err
		}
		if q.tasks, err = q.js.Stream(ctx, taskStream); err != nil {
			return err
		}
		stream, err := q.js.Stream(ctx, objects.StreamOf(bucket))
		if err != nil {
			return err
		}
		q.objects = &objects.Store{
			Bucket: bucket, JS: q.js, Stream: stream, Log: q.log, RequestLimit: requestLimit,
			Within: q.within, Persist: q.persist, Full: isFull,
		}
		if q.keys, err = q.js.KeyValue(ctx, bucket); err != nil {
			return err
		}
		c, err := q.js.Consumer(ctx, taskStream, consumer)
		if err == nil {
			// Whoever made the queue said how long a worker may be silent.
			q.patience = c.CachedInfo().Config.AckWait
		}
		return err
	})
}

// ensureAll finds the places or makes them: on a cluster with three copies.
func (q *Queue) ensureAll(ctx context.Context) error {
	for _, cfg := range streams() {
		if err := q.ensure(ctx, cfg); err != nil {
			return err
		}
	}
	_, err := q.js.Consumer(ctx, taskStream, consumer)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	_, err = q.js.CreateConsumer(ctx, taskStream, jetstream.ConsumerConfig{
		Durable: consumer, Description: "shared by all workers",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.patience,
		// How often a task may be tried is for us to say: the server counts
		// giving back as well.
		MaxDeliver: -1, MaxAckPending: -1, MaxWaiting: 10_000,
	})
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return nil // somebody was faster
	}
	return err
}

// joinLimit is how long nodes of a cluster that starts have to find each other.
const joinLimit = 2 * requestLimit

// ensure finds a stream or makes it.
func (q *Queue) ensure(ctx context.Context, cfg jetstream.StreamConfig) error {
	err := q.within(ctx, requestLimit, func(ctx context.Context) error {
		_, err := q.js.Stream(ctx, cfg.Name)
		return err
	})
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	cfg.Storage, cfg.Replicas = jetstream.FileStorage, 1
	if q.nc.ConnectedClusterName() != "" && !q.small.Load() {
		cfg.Replicas = 3
	}
	for asked := time.Now(); ; pause(ctx, 200*time.Millisecond) {
		err = q.within(ctx, requestLimit, func(ctx context.Context) error {
			_, err := q.js.CreateStream(ctx, cfg)
			return err
		})
		switch {
		case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
			return nil // somebody was faster
		case err == nil:
			q.log.Info("made on the queue", "stream", cfg.Name, "copies", cfg.Replicas)
			return nil
		case cfg.Replicas == 1 || !tooManyCopies(err):
			return err
		case time.Since(asked) > joinLimit:
			q.log.Warn("fewer than three nodes of the queue's cluster are there: it keeps one copy of everything", "error", err)
			q.small.Store(true)
			cfg.Replicas = 1
		}
	}
}
