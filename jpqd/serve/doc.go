// Package serve answers classification and question answering requests over
// HTTP with the engine of package int8.
//
//	server, err := serve.New(serve.Model{Name: "sst2", Engine: engine, Tokenizer: tok}, serve.DefaultOptions())
//	err = server.Serve(ctx, listener) // until ctx is done and every request is answered
//
// # Requests
//
// POST /predict takes {"inputs": …, "parameters": {"top_k": n}} as Hugging
// Face's inference API does. An input is a text or {"text", "text_pair"} for a
// model that classifies, {"question", "context"} for one that answers questions;
// an array of inputs is answered by an array of results in the same order. The
// document at /openapi.json describes every route, request and response, the
// page at / shows them to people.
//
// # Batches
//
// Every input is one sequence of tokens, a long context several, which overlap.
// Sequences wait in one queue, first come first served. A worker takes the oldest
// ones, as many as have room in MaxBatchTokens, once there are that many or the
// oldest has waited for MaxBatchDelay. Batches have no padding, so sequences of
// any length go together, and the logits of one do not depend on the others
// beside it. Workers share the engine's weights; each has its own workspace.
//
// # Overload and failure
//
// What does not fit into the queue is refused at once with 429 and Retry-After. A
// request has Timeout from its arrival to its answer; what it has in the queue
// leaves the queue when that is over or the client is gone. Where a batch panics,
// its sequences run again one by one, and only the request that cannot be
// computed fails, with 500.
//
// # Stopping
//
// When the context of Serve is done, /readyz turns to 503 while requests are
// still taken for StopDelay, each answered with Connection: close. Then the
// connections that the system has already accepted are taken, the listener is
// closed, and Serve returns when the last request is answered.
package serve
