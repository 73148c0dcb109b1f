package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Times of a connection, beside those of Options.
const (
	headerTime = 10 * time.Second      // to send the header of a request
	answerTime = 10 * time.Second      // to take the answer, beyond the request's own time
	idleTime   = 2 * time.Minute       // between requests
	drainTime  = 50 * time.Millisecond // without a connection, before the listener closes
	maxHeader  = 64 << 10              // bytes
)

// Serve answers the requests of a listener until ctx is done and all of them are
// answered, as the package's documentation says; then it closes the server and
// returns nil. An error is the listener's, or says that requests were left after
// StopTimeout.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.Close()
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel() // of what StopTimeout left
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       headerTime + s.options.Timeout,
		WriteTimeout:      headerTime + s.options.Timeout + answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	d := &drainListener{Listener: l}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(d) }()

	var failed error
	select {
	case failed = <-served:
	case <-ctx.Done():
		s.stopping.Store(true)
		s.log.Info("stopping", slog.Int64("requests", s.inFlight.Load()))
		time.Sleep(s.options.StopDelay)
		d.drain()
		<-served
	}
	limit, done := context.WithTimeout(base, s.options.StopTimeout)
	defer done()
	if err := hs.Shutdown(limit); err != nil {
		left := s.inFlight.Load()
		hs.Close()
		return errors.Join(failed, fmt.Errorf("--stop_timeout: %d requests are unanswered after %v", left, s.options.StopTimeout))
	}
	return failed
}

// drainListener can stop listening without losing the connections that the
// system has accepted already: closing the socket would reset them.
type drainListener struct {
	net.Listener
	draining atomic.Bool
	end      time.Time // of draining, however many connections still come
}

func (l *drainListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if !errors.Is(err, os.ErrDeadlineExceeded) || !l.draining.Load() {
		return c, err
	}
	// Connections may have waited longer than the deadline for this goroutine to
	// run. Before a new deadline, the system is asked at once.
	l.setDeadline()
	if time.Now().Before(l.end) {
		c, err = l.Listener.Accept()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = net.ErrClosed // http.Server would try again
	}
	return c, err
}

// drain makes Accept fail once no connection has come for drainTime, at the
// latest after ten times as long.
func (l *drainListener) drain() {
	l.end = time.Now().Add(10 * drainTime)
	l.draining.Store(true)
	l.setDeadline()
}

func (l *drainListener) setDeadline() {
	d, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	if !ok || d.SetDeadline(time.Now().Add(drainTime)) != nil {
		l.Listener.Close()
	}
}
