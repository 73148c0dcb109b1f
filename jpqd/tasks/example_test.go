package tasks_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

func Example() {
	dir, err := os.MkdirTemp("", "sst2")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dev := "sentence\tlabel\na charming and often affecting film . \t1\nthe plot is dull . \t0\n"
	if err := os.WriteFile(filepath.Join(dir, "dev.tsv"), []byte(dev), 0o644); err != nil {
		log.Fatal(err)
	}

	task, err := tasks.LookupGLUE("sst2")
	if err != nil {
		log.Fatal(err)
	}
	records, err := task.ReadSplit(dir, tasks.Validation)
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	examples, err := tasks.Encode(tok, records, task, 128)
	if err != nil {
		log.Fatal(err)
	}
	logits := []float32{ // what a model may say
		-1, 2, // positive
		0, 0.5, // positive
	}
	fmt.Println(len(examples[1].IDs), "tokens")
	fmt.Println(task.Metrics(logits, task.NumLabels(), examples))
	// Output:
	// 7 tokens
	// map[accuracy:0.5]
}

func ExampleLookupGLUE() {
	task, err := tasks.LookupGLUE("MNLI")
	fmt.Println(task.Text1, task.Text2, task.Labels, err)
	_, err = tasks.LookupGLUE("sentiment")
	fmt.Println(err)
	// Output:
	// premise hypothesis [entailment neutral contradiction] <nil>
	// unknown task "sentiment", want one of cola, mnli, mrpc, qnli, qqp, rte, sst2, stsb, wnli
}

func ExampleInferTask() {
	dir, err := os.MkdirTemp("", "reviews")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	train := filepath.Join(dir, "train.csv")
	if err := os.WriteFile(train, []byte("review,label\n\"Good, really.\",keep\nBad.,drop\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	task, err := tasks.InferTask(train)
	if err != nil {
		log.Fatal(err)
	}
	records, err := tasks.ReadFile(train, task.Columns())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(task.Text1, task.Labels)
	fmt.Printf("%q is %s\n", records[0].Text1, task.Labels[records[0].Label])
	// Output:
	// review [drop keep]
	// "Good, really." is keep
}

func ExampleGLUETask_Metrics() {
	task, err := tasks.LookupGLUE("stsb")
	if err != nil {
		log.Fatal(err)
	}
	examples := []jpqd.Example{{Target: 0}, {Target: 2}, {Target: 5}}
	m := task.Metrics([]float32{1, 2, 3}, task.NumLabels(), examples)
	fmt.Printf("pearson %.3f, spearmanr %.3f\n", m["pearson"], m["spearmanr"])
	// Output: pearson 0.993, spearmanr 1.000
}

func ExampleSQuAD() {
	dir, err := os.MkdirTemp("", "squad")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dev := filepath.Join(dir, "dev.json")
	data := `{"data": [{"title": "Lenses", "paragraphs": [{"context": "the lens was sharp .", "qas": [
		{"id": "q1", "question": "sharp ?", "answers": [{"text": "the lens", "answer_start": 0}]}]}]}]}`
	if err := os.WriteFile(dev, []byte(data), 0o644); err != nil {
		log.Fatal(err)
	}

	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	questions, err := tasks.ReadSQuAD(dev)
	if err != nil {
		log.Fatal(err)
	}
	squad := tasks.DefaultSQuAD()
	windows, err := squad.Encode(tok, questions)
	if err != nil {
		log.Fatal(err)
	}
	x := windows.Examples[0]
	logits := make([]float32, 2*len(x.IDs)) // what a model may say: the start and end of every token
	logits[2*(x.Start+1)] = 5               // lens
	logits[2*(x.End)+1] = 5                 // lens
	predictions := squad.Predict(windows, logits)
	fmt.Println(predictions[0].Text)
	fmt.Println(squad.Metrics(questions, predictions))
	// Output:
	// lens
	// map[exact_match:100 f1:100]
}

func ExampleSentiment() {
	for _, r := range tasks.Sentiment(1, 4) {
		fmt.Println(r.Label, r.Text1)
	}
	// Output:
	// 0 this time the battery was annoying , even though the keyboard truly delights for the price .
	// 1 after two weeks , if only the speaker were tedious .
	// 0 the interface simply stumbles .
	// 1 nobody in my family loathed the prose .
}
