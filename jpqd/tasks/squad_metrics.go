package tasks

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

const errPredictions = "tasks: predictions are not one per question"

// Metrics scores predictions, one per question in the same order, in percent, as
// HF's "squad" and "squad_v2" metrics do, which are SQuAD's official scorers:
//
//	exact_match, f1                                         SQuAD 1.1
//	exact, f1, total                                        with Negatives: of all questions,
//	HasAns_exact, HasAns_f1, HasAns_total                   of those that have an answer,
//	NoAns_exact, NoAns_f1, NoAns_total                      of those that have none,
//	best_exact, best_exact_thresh, best_f1, best_f1_thresh  as HF computes them for run_qa.py
//
// A question counts what its best answer does. One that has none counts 0 in
// SQuAD 1.1, where it has no place; of no questions every metric is 0.
func (s *SQuAD) Metrics(questions []Question, predictions []Prediction) map[string]float64 {
	if len(questions) != len(predictions) {
		panic(errPredictions)
	}
	lower := cases.Lower(language.Und)
	scores := make([]answerScore, len(questions))
	for i := range questions {
		if s.Negatives {
			scores[i] = scoreNegatives(lower, &questions[i], predictions[i].Text)
		} else {
			scores[i] = scoreAnswer(lower, &questions[i], predictions[i].Text)
		}
	}
	if !s.Negatives {
		exact, f1 := percent(scores)
		return map[string]float64{"exact_match": exact, "f1": f1}
	}
	m := map[string]float64{"total": float64(len(scores))}
	m["exact"], m["f1"] = percent(scores)
	var answered, unanswered []answerScore
	for i := range questions {
		if len(questions[i].Answers) > 0 {
			answered = append(answered, scores[i])
		} else {
			unanswered = append(unanswered, scores[i])
		}
	}
	for prefix, part := range map[string][]answerScore{"HasAns_": answered, "NoAns_": unanswered} {
		if len(part) > 0 {
			m[prefix+"total"] = float64(len(part))
			m[prefix+"exact"], m[prefix+"f1"] = percent(part)
		}
	}
	best := bestScore(questions, predictions, scores, len(unanswered))
	m["best_exact"], m["best_exact_thresh"] = best.exact, 0
	m["best_f1"], m["best_f1_thresh"] = best.f1, 0
	return m
}

// answerScore is what one prediction counts, 0 to 1.
type answerScore struct{ exact, f1 float64 }

// percent is the mean of scores in percent.
func percent(scores []answerScore) (exact, f1 float64) {
	for _, s := range scores {
		exact, f1 = exact+s.exact, f1+s.f1
	}
	n := float64(len(scores))
	return ratio(100*exact, n), ratio(100*f1, n)
}

// bestScore is the score at the best threshold on the probability that there is
// no answer. run_qa.py gives none but 0, so that the threshold is 0 and what HF
// searches is where in the order of the questions to stop answering.
func bestScore(questions []Question, predictions []Prediction, scores []answerScore, unanswered int) answerScore {
	current := answerScore{float64(unanswered), float64(unanswered)}
	best := current
	for i := range questions {
		switch {
		case len(questions[i].Answers) > 0:
			current.exact, current.f1 = current.exact+scores[i].exact, current.f1+scores[i].f1
		case predictions[i].Text != "":
			current.exact, current.f1 = current.exact-1, current.f1-1
		}
		best.exact, best.f1 = max(best.exact, current.exact), max(best.f1, current.f1)
	}
	n := float64(len(scores))
	return answerScore{ratio(100*best.exact, n), ratio(100*best.f1, n)}
}

// scoreAnswer is the score of a prediction by SQuAD 1.1: its best over the answers.
func scoreAnswer(lower cases.Caser, q *Question, prediction string) answerScore {
	var best answerScore
	predicted := answerWords(lower, prediction)
	for _, a := range q.Answers {
		gold := answerWords(lower, a.Text)
		if equalWords(predicted, gold) {
			best.exact = 1
		}
		best.f1 = max(best.f1, wordF1(predicted, gold))
	}
	return best
}

// scoreNegatives is the score by SQuAD 2.0: answers that normalise to nothing do
// not count, and where none is left nothing is the answer.
func scoreNegatives(lower cases.Caser, q *Question, prediction string) answerScore {
	var best answerScore
	predicted, hasGold := answerWords(lower, prediction), false
	score := func(gold []string) {
		if equalWords(predicted, gold) {
			best.exact = 1
		}
		f1 := wordF1(predicted, gold)
		if len(predicted) == 0 && len(gold) == 0 {
			f1 = 1
		}
		best.f1 = max(best.f1, f1)
	}
	for _, a := range q.Answers {
		if gold := answerWords(lower, a.Text); len(gold) > 0 {
			hasGold = true
			score(gold)
		}
	}
	if !hasGold {
		score(nil)
	}
	return best
}

func equalWords(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

// wordF1 is the harmonic mean of precision and recall of the words, each as
// often as it occurs in both; 0 where they have none in common.
func wordF1(predicted, gold []string) float64 {
	counts := make(map[string]int, len(gold))
	for _, w := range gold {
		counts[w]++
	}
	common := 0
	for _, w := range predicted {
		if counts[w] > 0 {
			counts[w]--
			common++
		}
	}
	if common == 0 {
		return 0
	}
	precision := float64(common) / float64(len(predicted))
	recall := float64(common) / float64(len(gold))
	return 2 * precision * recall / (precision + recall)
}

// answerWords are the words of an answer as SQuAD's scorers compare them: in
// lower case, without ASCII punctuation and without the articles a, an and the.
// What counts as a letter or white space is Python's choice.
func answerWords(lower cases.Caser, text string) []string {
	text = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			return -1
		}
		return r
	}, lower.String(text))
	var b strings.Builder
	for len(text) > 0 {
		end := strings.IndexFunc(text, func(r rune) bool { return !isWordRune(r) })
		if end < 0 {
			end = len(text)
		}
		switch word := text[:end]; word {
		case "a", "an", "the":
			b.WriteByte(' ')
		default:
			b.WriteString(word)
		}
		text = text[end:]
		end = strings.IndexFunc(text, isWordRune)
		if end < 0 {
			end = len(text)
		}
		b.WriteString(text[:end])
		text = text[end:]
	}
	return strings.FieldsFunc(b.String(), isPythonSpace)
}

// isWordRune is \w of Python's re, but for the underscore, which is punctuation.
func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// isPythonSpace is str.isspace: Unicode's white space and four control characters.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
