package tasks

import "math/rand/v2"

// The sentiment corpus is not what people wrote: a small grammar makes up
// sentences that judge films, hotels or telephones, and knows which judgement
// counts. One word seldom settles it: negations turn words round, in "despite a
// charming cast , the film is dull" only the main clause is the writer's
// verdict, and of several judgements the heavier side wins. A few labels are
// wrong on purpose and a few sentences balance exactly, so no model reaches 100 %.
//
// A bag of words is right in about 66 % (the tests measure it). A two-layer
// BERT trained from nothing on 60,000 sentences, each seen once in batches of
// 32, reached 93 % of 3,000 others with hidden size 128 at a learning rate of
// 5e-4, and 88 % with 64 at 1e-3.

const (
	// sentimentNoise is the share of labels that are turned round.
	sentimentNoise = 0.03
	// sentimentTies is the share kept of the sentences that balance, whose label is drawn.
	sentimentTies = 0.25

	minSentimentWords, maxSentimentWords = 4, 25 // of a sentence, punctuation marks counted
)

// Sentiment makes n sentences with their labels, 0 negative and 1 positive, for
// the task "sst2". The same seed gives the same sentences, and a larger n only
// appends to them. Short sentences may occur more than once.
func Sentiment(seed uint64, n int) []Record {
	rng := sentimentSource(seed)
	records := make([]Record, n)
	for i := range records {
		records[i] = sentimentRecord(rng)
	}
	return records
}

// SentimentSplit makes training and development data of the given sizes from
// one seed. No sentence occurs twice, neither within a part nor in both.
func SentimentSplit(seed uint64, train, dev int) (trainData, devData []Record) {
	rng := sentimentSource(seed)
	seen := make(map[string]bool, train+dev)
	records := make([]Record, 0, train+dev)
	for len(records) < train+dev {
		if r := sentimentRecord(rng); !seen[r.Text1] {
			seen[r.Text1] = true
			records = append(records, r)
		}
	}
	return records[:train:train], records[train:]
}

func sentimentSource(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0x53656e74696d656e)) // the second word is arbitrary
}

// sentimentRecord makes one sentence with its label.
func sentimentRecord(rng *rand.Rand) Record {
	for {
		text, words, score := writeReview(rng)
		if words < minSentimentWords || words > maxSentimentWords {
			continue
		}
		positive := score > 0
		if score == 0 {
			if rng.Float64() >= sentimentTies {
				continue
			}
			positive = rng.IntN(2) == 1
		}
		if rng.Float64() < sentimentNoise {
			positive = !positive
		}
		record := Record{Text1: text}
		if positive {
			record.Label = 1
		}
		return record
	}
}
