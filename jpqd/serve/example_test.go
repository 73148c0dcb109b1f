package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/serve"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

func Example() {
	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	config := bert.DefaultConfig() // a model without training, in place of one's own
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = tok.VocabSize(), 32, 1
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 2, 64, 64
	config.Labels = []string{"negative", "positive"}
	trainer := &jpqd.Trainer{Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1)}
	compressed, err := trainer.Compressed()
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := int8.New(compressed)
	if err != nil {
		fmt.Println(err)
		return
	}

	server, err := serve.New(serve.Model{Name: "demo", Engine: engine, Tokenizer: tok}, serve.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, listener) }()

	url := "http://" + listener.Addr().String() + "/predict"
	for _, body := range []string{`{"inputs": ["a dull film"], "parameters": {"top_k": 0}}`, `{"inputs": "a dull film"}`} {
		answer, err := http.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		fmt.Println(answer.StatusCode, strings.Count(string(text), `"label"`), "labels")
		if answer.StatusCode != http.StatusOK {
			fmt.Print(string(text))
		}
	}
	stop()
	fmt.Println(<-stopped)
	// Output:
	// 400 0 labels
	// {"error":"parameters.top_k: found 0, want a whole number from 1","field":"parameters.top_k"}
	// 200 2 labels
	// <nil>
}
