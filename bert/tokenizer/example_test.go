package tokenizer_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
)

var vocab = strings.Fields(`[PAD] [UNK] [CLS] [SEP] [MASK] , ! hello world it was un ##aff ##able caf ##e who where`)

func newTokenizer() *tokenizer.Tokenizer {
	t, err := tokenizer.New(vocab, tokenizer.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	return t
}

func ExampleTokenizer_Tokenize() {
	t := newTokenizer()
	text := "It was Café, unaffable [MASK]!"
	for _, token := range t.Tokenize(nil, text) {
		fmt.Printf("%s=%s ", t.Token(token.ID), text[token.Start:token.End])
	}
	// Output: it=It was=was caf=Caf ##e=é ,=, un=un ##aff=aff ##able=able [MASK]=[MASK] !=!
}

func ExampleTokenizer_Encode() {
	t := newTokenizer()
	e := t.Encode("Hello, world!", 128)
	fmt.Println(e.IDs)
	fmt.Println(t.Decode(e.IDs))
	// Output:
	// [2 7 5 8 6 3]
	// [CLS] hello, world! [SEP]
}

func ExampleTokenizer_EncodePair() {
	t := newTokenizer()
	e := t.EncodePair("who was it", "hello world", 7)
	fmt.Println(t.Decode(e.IDs))
	fmt.Println(e.TypeIDs)
	// Output:
	// [CLS] who was [SEP] hello world [SEP]
	// [0 0 0 0 1 1 1]
}

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := newTokenizer().Save(dir); err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.VocabSize(), t.Config().ModelMaxLength)
	// Output: 18 512
}
