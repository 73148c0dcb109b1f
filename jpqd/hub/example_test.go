package hub_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/jpqd/hub"
)

func ExampleClient_Resolve() {
	cache, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(cache)
	client := hub.NewClient() // HF_ENDPOINT, HF_HUB_CACHE, HF_TOKEN
	client.CacheDir = cache
	client.Offline = true // do not fetch here what the cache lacks

	// A folder stays what it is.
	folder := filepath.Join(cache, "my-model")
	if err := os.Mkdir(folder, 0o777); err != nil {
		log.Fatal(err)
	}
	dir, err := client.Resolve(context.Background(), folder, "")
	fmt.Println(dir == folder, err)

	// A name is looked up.
	_, err = client.Resolve(context.Background(), "google-bert/bert-base-uncased", "main")
	fmt.Println(err != nil)
	// Output:
	// true <nil>
	// true
}
