package checkpoint_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	config := map[string]any{"model_type": "bert", "hidden_size": 2}
	if err := checkpoint.WriteJSON(filepath.Join(dir, "config.json"), config); err != nil {
		log.Fatal(err)
	}
	weights := &checkpoint.File{Tensors: map[string]checkpoint.Tensor{
		"pooler.dense.bias": {Shape: []int{2}, F32: []float32{0.5, -0.5}},
	}}
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.WeightsFile), weights); err != nil {
		log.Fatal(err)
	}

	model, err := checkpoint.ReadModel(dir)
	if err != nil {
		log.Fatal(err)
	}
	bias, err := model.F32("pooler.dense.bias", 2)
	fmt.Println(bias, err)
	_, err = model.F32("pooler.dense.bias", 3)
	fmt.Println(err)
	fmt.Println(model.Names(), model.Metadata)
	// Output:
	// [0.5 -0.5] <nil>
	// tensor "pooler.dense.bias": found shape [2], want [3]
	// [pooler.dense.bias] map[format:pt]
}

func ExampleReadJSON() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte("{\n  \"hidden_size\": 128\n}\n"), 0o666); err != nil {
		log.Fatal(err)
	}
	var config struct {
		HiddenSize int `json:"hidden_size"`
	}
	if err := checkpoint.ReadJSON(path, &config); err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.HiddenSize)
	// Output: 128
}
