package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// route is a path of the server. Where the method is GET, HEAD is served, too.
type route struct {
	method, path string
	serve        func(*Server, *exchange)
}

var routes = []route{
	{http.MethodGet, "/", (*Server).servePage},
	{http.MethodGet, "/openapi.json", (*Server).serveOpenAPI},
	{http.MethodGet, "/healthz", (*Server).serveHealth},
	{http.MethodGet, "/readyz", (*Server).serveReady},
	{http.MethodGet, "/metrics", (*Server).serveMetrics},
	{http.MethodPost, "/predict", (*Server).predict},
}

// exchange is a request on its way to the answer, with what the log tells of it.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	arrived time.Time

	status    int // 0: no answer yet
	bytes     int // of the answer's body
	err       error
	inputs    int
	sequences int
	tokens    int
	wait      time.Duration // in the queue
	predicted bool          // answered with a prediction
}

// ServeHTTP answers a request and logs it. A panic is answered with 500.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r, arrived: time.Now()}
	path := "other"
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panicked()
			s.log.Error("panic in a request", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			x.predicted = false
			if x.status == 0 {
				x.fail(&requestError{status: http.StatusInternalServerError, message: "internal error"})
			}
		}
		took := time.Since(x.arrived)
		s.metrics.request(x, path, took)
		s.logAccess(x, took)
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if s.stopping.Load() {
		w.Header().Set("Connection", "close") // the next request finds another server
	}
	i := slices.IndexFunc(routes, func(t route) bool { return t.path == r.URL.Path })
	if i < 0 {
		x.fail(&requestError{status: http.StatusNotFound, message: fmt.Sprintf("found no route %q, want one of %s", short(r.URL.Path), paths())})
		return
	}
	path = routes[i].path
	if m := routes[i].method; r.Method != m && (r.Method != http.MethodHead || m != http.MethodGet) {
		w.Header().Set("Allow", m)
		x.fail(&requestError{status: http.StatusMethodNotAllowed, message: fmt.Sprintf("%s: found %s, want %s", path, short(r.Method), m)})
		return
	}
	routes[i].serve(s, x)
}

func paths() string {
	var all []string
	for _, t := range routes {
		all = append(all, t.path)
	}
	return strings.Join(all, ", ")
}

// write sends a whole answer.
func (x *exchange) write(status int, contentType string, body []byte) {
	x.status = status
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return
	}
	n, err := x.w.Write(body)
	x.bytes = n
	if err != nil && x.err == nil {
		x.err = err
	}
}

func (x *exchange) writeJSON(status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // answers are of types that JSON can spell
	}
	x.write(status, "application/json", body.Bytes())
}

// fail tells the client of an error.
func (x *exchange) fail(err *requestError) {
	x.err = err
	if err.retryAfter > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(err.retryAfter))
	}
	x.writeJSON(err.status, errorBody{err.Error(), err.field})
}

// logAccess writes the line of a request.
func (s *Server) logAccess(x *exchange, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", short(x.r.Method)), slog.String("path", short(x.r.URL.Path)), slog.Int("status", x.status),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int("bytes", x.bytes), slog.String("remote", x.r.RemoteAddr),
	}
	if x.inputs > 0 {
		attrs = append(attrs, slog.Int("inputs", x.inputs), slog.Int("sequences", x.sequences), slog.Int("tokens", x.tokens),
			slog.Float64("wait_ms", float64(x.wait.Microseconds())/1000))
	}
	level := slog.LevelInfo
	if x.err != nil {
		attrs = append(attrs, slog.Any("error", x.err))
		if x.status >= 500 {
			level = slog.LevelError
		}
	}
	s.log.LogAttrs(x.r.Context(), level, "request", attrs...)
}

func (s *Server) serveHealth(x *exchange) {
	x.writeJSON(http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) serveReady(x *exchange) {
	if s.stopping.Load() {
		x.writeJSON(http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
		return
	}
	x.writeJSON(http.StatusOK, map[string]string{"status": "ready"})
}

func (s *Server) serveMetrics(x *exchange) {
	g := gauges{inFlight: int(s.inFlight.Load()), ready: !s.stopping.Load()}
	g.queuedSequences, g.queuedTokens = s.queue.waiting()
	var text bytes.Buffer
	s.metrics.write(&text, g)
	x.write(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", text.Bytes())
}
