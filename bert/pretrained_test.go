package bert

import (
	"math"
	"os"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
)

// pretrained is the folder of the project's own model. The root module as others
// download it does not hold it.
const pretrained = "../models/bert-mini-wiki"

// The model tells words that are hidden in sentences it has never seen far better
// than one of random weights, whose every guess is as likely: ln 30,522 = 10.3.
func TestPretrained(t *testing.T) {
	if _, err := os.Stat(pretrained); err != nil {
		t.Skip("models/ is a module of its own, and not here")
	}
	m, report, err := Load(pretrained, LoadOptions{MaskedLM: true})
	if err != nil {
		t.Fatal(err)
	}
	if m.Masked == nil || len(report.Missing)+len(report.Unexpected) > 0 {
		t.Fatalf("found %s, missing %v, unexpected %v", m.Config.Architecture, report.Missing, report.Unexpected)
	}
	tok, err := tokenizer.Load(pretrained)
	if err != nil {
		t.Fatal(err)
	}
	mask, ok := tok.ID("[MASK]")
	if !ok {
		t.Fatal("the vocabulary has no [MASK]")
	}
	var b Batch
	var rows, labels []int32
	for _, text := range []string{
		"The old bridge was built in the first half of the century and was closed to traffic after the war.",
		"She was born in a small town in the north of the country and moved to the capital with her family.",
		"The team won the cup in the second season, and its captain was named player of the year.",
		"The species is found in the forests of the island, where it feeds on insects and small fruit.",
		"He studied law at the university and was elected to the parliament as a member of the party.",
		"The album was released in the spring and reached the top of the charts in several countries.",
	} {
		ids := tok.Encode(text, 128).IDs
		for i := 2; i < len(ids)-1; i += 7 {
			rows, labels = append(rows, int32(b.Rows()+i)), append(labels, ids[i])
			ids[i] = mask
		}
		b.Append(ids, nil)
	}
	tape := autograd.NewTape()
	loss := func(m *Model) float64 {
		tape.Begin(autograd.Inference, 0, 0)
		return float64(tape.VocabularyCrossEntropy(m.Unmask(tape, m.EncodeRows(tape, m.Embed(tape, &b), &b, rows)), labels).Data[0])
	}
	random := loss(New(m.Config, 1))
	if got := loss(m); math.Abs(random-math.Log(30522)) > 0.5 || got > random-5 {
		t.Errorf("found a loss of %.2f, of random weights %.2f, want about 10.3 of these and 5 less", got, random)
	} else {
		t.Logf("loss %.2f, of random weights %.2f", got, random)
	}
}
