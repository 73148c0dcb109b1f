package tasks

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Encode turns records into the token ids of a model, [CLS] text [SEP] or
// [CLS] text1 [SEP] text2 [SEP], none longer than maxSeqLength. The texts of a
// pair are cut longest first. Examples are in the order of the records,
// whatever GOMAXPROCS is, and have no padding.
func Encode(tok *tokenizer.Tokenizer, records []Record, task GLUETask, maxSeqLength int) ([]jpqd.Example, error) {
	least := 3 // [CLS], [SEP] and one token of each text
	if task.Text2 != "" {
		least = 5
	}
	if maxSeqLength < least {
		return nil, fmt.Errorf("max_seq_length is %d, want at least %d", maxSeqLength, least)
	}
	for i, r := range records {
		if !task.Regression && (r.Label < -1 || int(r.Label) >= len(task.Labels)) {
			return nil, fmt.Errorf("record %d: label is %d, want −1 (unknown) to %d", i, r.Label, len(task.Labels)-1)
		}
	}
	examples := make([]jpqd.Example, len(records))
	const share = 256 // records that a worker takes at a time
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(records)+share-1)/share) {
		workers.Go(func() {
			for {
				end := int(next.Add(share))
				begin := end - share
				if begin >= len(records) {
					return
				}
				for i := begin; i < min(end, len(records)); i++ {
					examples[i] = encode(tok, &records[i], task.Text2 != "", maxSeqLength)
				}
			}
		})
	}
	workers.Wait()
	return examples, nil
}

func encode(tok *tokenizer.Tokenizer, r *Record, pair bool, maxSeqLength int) jpqd.Example {
	example := jpqd.Example{Label: r.Label, Target: r.Target}
	if pair {
		e := tok.EncodePair(r.Text1, r.Text2, maxSeqLength)
		example.IDs, example.TypeIDs = e.IDs, e.TypeIDs
	} else {
		example.IDs = tok.Encode(r.Text1, maxSeqLength).IDs
	}
	return example
}
