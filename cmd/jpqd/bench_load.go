package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// benchLoad is the batches of one measurement, which run one after the other.
type benchLoad struct {
	batchSize int
	length    int // of every sequence; 0 where they differ
	batches   []benchBatch
	sequences int
	tokens    int
}

// benchBatch is a batch as the engines take it, and as the trainer does.
type benchBatch struct {
	tokens   bert.Batch
	examples []jpqd.Example
}

// loads makes the measurements of all lengths and batch sizes.
func (s *benchSubject) loads(o *benchOptions) ([]*benchLoad, error) {
	var all []*benchLoad
	examples, err := s.examples(o)
	if err != nil {
		return nil, err
	}
	if examples != nil {
		for _, size := range o.batchSizes {
			all = append(all, newBenchLoad(size, 0, examples))
		}
		return all, nil
	}
	for _, length := range o.lengths {
		if longest := s.config.MaxLength(); length > longest {
			return nil, usageErrorf("--length: found %d, want at most %d, the model's longest sequence", length, longest)
		}
		for _, size := range o.batchSizes {
			all = append(all, newBenchLoad(size, length, s.random(o.seed, slices.Repeat([]int{length}, size))))
		}
	}
	return all, nil
}

// examples are those of --lengths or --data_dir, nil without either.
func (s *benchSubject) examples(o *benchOptions) ([]jpqd.Example, error) {
	switch {
	case o.lengthsFile != "":
		lengths, err := readLengths(o.lengthsFile, s.config.MaxLength())
		if err != nil {
			return nil, fmt.Errorf("--lengths: %w", err)
		}
		return s.random(o.seed, lengths), nil
	case o.dataDir != "":
		task, err := tasks.LookupGLUE(o.taskName)
		if err != nil {
			return nil, usageErrorf("--task_name: %w", err)
		}
		records, err := task.ReadSplit(o.dataDir, tasks.Validation)
		if err != nil {
			return nil, fmt.Errorf("--data_dir: %w", err)
		}
		examples, err := tasks.Encode(s.tok, records, task, min(o.maxSeqLength, s.config.MaxLength()))
		if err != nil {
			return nil, fmt.Errorf("--data_dir: %w", err)
		}
		return examples, nil
	default:
		return nil, nil
	}
}

// random are sequences of random tokens.
func (s *benchSubject) random(seed uint64, lengths []int) []jpqd.Example {
	rng := rand.New(rand.NewPCG(seed, 0xbe))
	examples := make([]jpqd.Example, len(lengths))
	for i, n := range lengths {
		ids := make([]int32, n)
		for j := range ids {
			ids[j] = int32(rng.IntN(s.config.VocabSize))
		}
		examples[i] = jpqd.Example{IDs: ids, Label: -1}
	}
	return examples
}

// newBenchLoad cuts examples into batches in their order.
func newBenchLoad(batchSize, length int, examples []jpqd.Example) *benchLoad {
	l := &benchLoad{batchSize: batchSize, length: length}
	for part := range slices.Chunk(examples, batchSize) {
		b := benchBatch{examples: part}
		for i := range part {
			b.tokens.Append(part[i].IDs, part[i].TypeIDs)
		}
		l.batches = append(l.batches, b)
		l.sequences += len(part)
		l.tokens += b.tokens.Rows()
	}
	return l
}

// readLengths reads numbers from 1 to longest.
func readLengths(path string, longest int) ([]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lengths []int
	words := bufio.NewScanner(f)
	words.Split(bufio.ScanWords)
	const most = 1 << 22 // numbers; a mistaken file would fill the memory with tokens
	for words.Scan() {
		n, err := strconv.Atoi(words.Text())
		if err != nil || n < 1 || n > longest {
			return nil, fmt.Errorf("%s: number %d: found %.20q, want 1 to %d tokens", path, len(lengths)+1, words.Text(), longest)
		}
		if len(lengths) == most {
			return nil, fmt.Errorf("%s: found more than %d numbers", path, most)
		}
		lengths = append(lengths, n)
	}
	if err := words.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(lengths) == 0 {
		return nil, errors.New(path + ": found no numbers, want lengths of sequences")
	}
	return lengths, nil
}
