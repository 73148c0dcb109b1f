package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// classifier predicts labels, or values.
type classifier struct {
	o     *predictOptions
	model *inference
	run   *trainingRun // has the tokenizer
	task  tasks.GLUETask
	out   *bufio.Writer
}

func newClassifier(o *predictOptions, model *inference, r *trainingRun, out *bufio.Writer) (linePredictor, error) {
	c := &classifier{o: o, model: model, run: r, out: out, task: tasks.GLUETask{Text1: "text"}}
	least := 3 // [CLS], [SEP] and one token of each text
	if o.TextPair {
		c.task.Text2, least = "text_pair", 5
	}
	if r.maxSeqLength < least {
		return nil, usageErrorf("--max_seq_length: found %d, want at least %d", r.maxSeqLength, least)
	}
	if c.task.Regression = regression(&model.config); !c.task.Regression {
		c.task.Labels = model.config.Labels
	}
	return c, nil
}

// labelled is a label with its probability.
type labelled struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// lineLabels is a JSON line of labels.
type lineLabels struct {
	Line int `json:"line"`
	labelled
	Top []labelled `json:"top,omitempty"` // with --top_k above 1
}

// lineValue is a JSON line of a regression.
type lineValue struct {
	Line  int     `json:"line"`
	Value float32 `json:"value"`
}

func (c *classifier) predict(ctx context.Context, first int, lines []string) error {
	var records []tasks.Record
	var badLine error
	for i, line := range lines {
		record := tasks.Record{Text1: strings.ToValidUTF8(line, "\uFFFD"), Label: -1}
		if c.o.TextPair {
			var found bool
			if record.Text1, record.Text2, found = strings.Cut(record.Text1, "\t"); !found {
				badLine = fmt.Errorf("line %d: found no tab, want two texts apart by one (--text_pair)", first+i)
				break
			}
		}
		records = append(records, record)
	}
	examples, err := tasks.Encode(c.run.tok, records, c.task, c.run.maxSeqLength)
	if err != nil {
		return err
	}
	logits, err := c.model.logits(ctx, examples)
	if err != nil {
		return err
	}
	n := c.task.NumLabels()
	for i := range examples {
		if err := c.write(first+i, logits[i*n:][:n]); err != nil {
			return fmt.Errorf("line %d: %w", first+i, err)
		}
	}
	return badLine
}

// write writes what one row of logits predicts.
func (c *classifier) write(line int, logits []float32) error {
	if slices.ContainsFunc(logits, func(v float32) bool { return v-v != 0 }) {
		return fmt.Errorf("no prediction from logits %v", logits)
	}
	if c.task.Regression {
		if c.o.JSON {
			return c.writeJSON(lineValue{line, logits[0]})
		}
		_, err := fmt.Fprintln(c.out, strconv.FormatFloat(float64(logits[0]), 'g', -1, 32))
		return err
	}
	top := c.labels(logits)
	if c.o.JSON {
		l := lineLabels{Line: line, labelled: top[0]}
		if c.o.TopK > 1 {
			l.Top = top
		}
		return c.writeJSON(l)
	}
	for i, l := range top {
		if i > 0 {
			c.out.WriteByte('\t') // its error comes again with Flush
		}
		fmt.Fprintf(c.out, "%s\t%.6f", oneField(l.Label), l.Probability)
	}
	return c.out.WriteByte('\n')
}

// labels are the most probable labels, by softmax; of equals the first comes first.
func (c *classifier) labels(logits []float32) []labelled {
	highest, sum := float64(slices.Max(logits)), 0.0
	all := make([]labelled, len(logits))
	for i, v := range logits {
		all[i] = labelled{c.task.Labels[i], math.Exp(float64(v) - highest)}
		sum += all[i].Probability
	}
	for i := range all {
		all[i].Probability /= sum
	}
	slices.SortStableFunc(all, func(a, b labelled) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:min(c.o.TopK, len(all))]
}

func (c *classifier) writeJSON(v any) error { return writeJSONLine(c.out, v) }

func writeJSONLine(out *bufio.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// oneField keeps a text within its field of a line.
func oneField(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s)
}
