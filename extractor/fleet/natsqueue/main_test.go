package natsqueue

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// patience makes the tests quick.
const patience = 2 * time.Second

func connect(t testing.TB, url string) *Queue { return connectWith(t, Server{URL: url}) }

func connectWith(t testing.TB, s Server) *Queue {
	t.Helper()
	if s.Patience == 0 {
		s.Patience = patience
	}
	q, err := Connect(context.Background(), s, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// testWriter shows the log of a test that fails.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}
