package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A client whose body does not come, or that closes its side before the answer,
// is told so; an empty 200 would pass for an answer.
func TestBodiesThatEnd(t *testing.T) {
	const head, whole = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n", `{"inputs": "a"}`
	for _, test := range []struct {
		name    string
		body    string
		closes  bool // its side of the connection
		status  int
		message string
	}{
		{"slowly", whole[:5], false, http.StatusRequestTimeout, "the body came too slowly"},
		{"early", whole[:5], true, http.StatusBadRequest, "the body ended early: unexpected EOF"},
		{"closed", whole, true, statusClientGone, "the client closed the connection before the answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newGated(2)
			s := startServer(t, e, testOptions())
			defer e.open()
			hs := httptest.NewUnstartedServer(s)
			hs.Config.ReadTimeout = 500 * time.Millisecond
			hs.Start()
			defer hs.Close()
			c, err := net.Dial("tcp", hs.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte(head + test.body)); err != nil {
				t.Fatal(err)
			}
			if test.closes {
				if err := c.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			w, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Body.Close()
			if readDocument(t, s).at("paths", "/predict", "post", "responses")[fmt.Sprint(test.status)] == nil {
				t.Errorf("status %d is not in the document", test.status)
			}
			var answer errorBody
			if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || w.StatusCode != test.status || answer.Error != test.message {
				t.Errorf("status %d, %q, %v; want %d, %q", w.StatusCode, answer.Error, err, test.status, test.message)
			}
		})
	}
}
