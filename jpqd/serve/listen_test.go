package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// listening is a server on loopback.
type listening struct {
	*Server
	url    string
	stop   context.CancelFunc
	served chan error
}

func listen(t *testing.T, e *fakeEngine, o Options) *listening {
	t.Helper()
	s := startServer(t, e, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	x := &listening{s, "http://" + l.Addr().String(), stop, make(chan error, 1)}
	go func() { x.served <- s.Serve(ctx, l) }()
	return x
}

// post sends a prediction over a client's connections.
func post(c *http.Client, url, body string) (status int, answer string, err error) {
	r, err := c.Post(url+"/predict", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

// A stopping server answers what it has taken, and everything that comes until it
// stops listening; then nobody gets a connection.
func TestStopLosesNothing(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.StopDelay = time.Second // a busy machine must send the late requests within it
	s := listen(t, e, o)
	client := &http.Client{Transport: &http.Transport{}}
	const clients = 40
	var all sync.WaitGroup
	ask := func(i int) {
		all.Go(func() {
			text := strings.Repeat("a ", i%10)
			status, answer, err := post(client, s.url, fmt.Sprintf(`{"inputs": %q}`, text))
			if want := fmt.Sprintf(`"score":%d`, 5+5*(i%10)); err != nil || status != http.StatusOK || !strings.Contains(answer, want) {
				t.Errorf("request %d: status %d, answer %s, error %v; want %s", i, status, answer, err, want)
			}
		})
	}
	for i := range clients {
		ask(i)
	}
	<-e.entered
	wait(t, "requests", func() bool { return s.inFlight.Load() == clients })
	s.stop()
	wait(t, "stopping", s.stopping.Load)
	r, err := client.Get(s.url + "/readyz")
	if err != nil || r.StatusCode != http.StatusServiceUnavailable || !r.Close {
		t.Errorf("/readyz of a stopping server: %+v, error %v; want 503 with Connection: close", r, err)
	}
	r.Body.Close()
	for i := range clients { // late, but in time
		ask(i)
	}
	wait(t, "the late requests", func() bool { return s.inFlight.Load() == 2*clients })
	wait(t, "no more connections", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case err := <-s.served:
		t.Fatalf("stopped before the requests were answered: %v", err)
	default:
	}
	e.open()
	all.Wait()
	if err := <-s.served; err != nil {
		t.Error(err)
	}
	if w := predict(s, `{"inputs": "a"}`); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a closed server: status %d", w.Code)
	}
}

// Clients that never cease to ask, each as soon as it has its answer, lose no
// request to the stop: the last answer of a connection says that it closes.
func TestStopUnderLoad(t *testing.T) {
	e := newFake(1)
	o := testOptions()
	o.StopDelay, o.MaxBatchDelay = 30*time.Millisecond, time.Millisecond
	s := listen(t, e, o)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			for n := 0; ; n++ {
				r, err := client.Post(s.url+"/predict", "application/json", strings.NewReader(`{"inputs": "a"}`))
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("request %d: status %d, error %v", n, r.StatusCode, err)
				}
				if r.Close {
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	s.stop()
	all.Wait()
	if err := <-s.served; err != nil {
		t.Error(err)
	}
}

// What is not answered within StopTimeout is given up, and Serve says so.
func TestStopTimeout(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.StopTimeout = 20 * time.Millisecond
	s := listen(t, e, o)
	lost := make(chan error, 1)
	go func() {
		_, _, err := post(&http.Client{Transport: &http.Transport{}}, s.url, `{"inputs": "a"}`)
		lost <- err
	}()
	<-e.entered
	s.stop()
	if err := <-lost; err == nil {
		t.Error("the request was answered")
	}
	e.open()
	if err := <-s.served; err == nil || !strings.Contains(err.Error(), "--stop_timeout: 1 requests are unanswered after 20ms") {
		t.Errorf("got %v", err)
	}
}

// failing is a listener that breaks.
type failing struct{ net.Listener }

func (failing) Accept() (net.Conn, error) { return nil, errors.New("broken") }

func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := startServer(t, newFake(1), testOptions()).Serve(t.Context(), failing{l}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want the listener's error", err)
	}
}

// A client that closes its connection while it waits leaves the queue.
func TestDisconnect(t *testing.T) {
	e := newGated(1)
	s := listen(t, e, testOptions())
	go post(http.DefaultClient, s.url, `{"inputs": "a"}`)
	<-e.entered
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/predict", strings.NewReader(`{"inputs": ["a", "b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	go http.DefaultClient.Do(r)
	wait(t, "queue", queued(s.Server, 2))
	cancel()
	wait(t, "queue after the client is gone", queued(s.Server, 0))
	e.open()
}
