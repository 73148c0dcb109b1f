package tasks

import (
	"math/rand/v2"
	"strings"
)

// How much a judgement weighs. Its sign is its polarity.
const (
	hedgedWeight      = 1 // "somewhat dull"
	mildWeight        = 2 // "dull", "not dull"
	intensifiedWeight = 3 // "very dull"
	strongWeight      = 4 // "awful"; an intensifier adds 1
)

// reviewer is the writer of one sentence: its random source, its subject and
// the words so far.
type reviewer struct {
	*rand.Rand
	subject domain
	aspects []string // of the subject, not yet mentioned
	words   []string
}

// writeReview writes a sentence of the given number of words and judges it:
// its score is above 0 if it is positive.
func writeReview(rng *rand.Rand) (text string, words, score int) {
	r := &reviewer{Rand: rng, subject: domains[rng.IntN(len(domains))]}
	for _, i := range r.Perm(len(r.subject.aspects)) {
		r.aspects = append(r.aspects, r.subject.aspects[i])
	}
	if r.chance(0.2) {
		r.write(r.pick(openings))
	}
	score = r.form()
	if r.chance(0.2) {
		r.write(r.pick(closings))
	}
	r.write(r.pick(stops))
	return strings.ReplaceAll(strings.Join(r.words, " "), "|", ""), len(r.words), score
}

// form writes the body in one of the grammar's forms, each as often as its share of 100.
func (r *reviewer) form() int {
	switch n := r.IntN(100); {
	case n < 28:
		return r.judgement(r.side(), 0)
	case n < 40:
		return r.judgement(r.side(), 1)
	case n < 57:
		return r.concession()
	case n < 74:
		return r.enumeration()
	case n < 81:
		return r.disagreement()
	case n < 84:
		return r.comparison()
	case n < 87:
		return r.regret()
	default:
		return r.fragment()
	}
}

// judgement writes a main clause about an aspect for a side, and its score.
// negated is how often it says so by denying the opposite.
func (r *reviewer) judgement(side int, negated float64) int {
	deny := r.chance(negated)
	switch n := r.IntN(10); {
	case n < 6 && deny:
		r.write("the", r.aspect(), r.pick(negations), r.common(adjectives[1-side].mild))
		return score(side, mildWeight)
	case n < 6 && r.chance(0.05):
		r.write("the", r.aspect(), r.pick(affirmations), r.common(adjectives[side].mild))
		return score(side, intensifiedWeight)
	case n < 6:
		r.write("the", r.aspect(), r.pick(copulas))
		return r.degree(side)
	case n < 8 && deny:
		v := opinionVerbs[1-side][r.IntN(len(opinionVerbs[side]))]
		switch r.IntN(3) {
		case 0:
			r.write("i did not", v.base)
		case 1:
			r.write("nobody in my family", v.past)
		default:
			r.write("we never", v.past)
		}
		r.write("the", r.aspect())
		return score(side, mildWeight)
	case n < 8:
		r.write("i")
		if r.chance(0.3) {
			r.write("really")
		}
		r.write(opinionVerbs[side][r.IntN(len(opinionVerbs[side]))].past, "the", r.aspect())
		return score(side, intensifiedWeight)
	case deny:
		e := effects[1-side][r.IntN(len(effects[side]))]
		r.write("the", r.aspect())
		if r.chance(0.5) {
			r.write("never", e.third)
		} else {
			r.write("does not", e.base)
		}
		return score(side, mildWeight)
	default:
		r.write("the", r.aspect())
		if r.chance(0.3) {
			r.write(r.pick(adverbs))
		}
		r.write(effects[side][r.IntN(len(effects[side]))].third)
		return score(side, mildWeight)
	}
}

// degree writes an adjective for a side, perhaps intensified or hedged.
func (r *reviewer) degree(side int) int {
	strong := r.chance(0.3)
	switch n := r.IntN(10); {
	case strong && n < 2:
		r.write(r.pick(intensifiers), r.common(adjectives[side].strong))
		return score(side, strongWeight+1)
	case strong:
		r.write(r.common(adjectives[side].strong))
		return score(side, strongWeight)
	case n < 2:
		r.write(r.pick(intensifiers), r.common(adjectives[side].mild))
		return score(side, intensifiedWeight)
	case n < 4:
		r.write(r.pick(hedges), r.common(adjectives[side].mild))
		return score(side, hedgedWeight)
	default:
		r.write(r.common(adjectives[side].mild))
		return score(side, mildWeight)
	}
}

// concession writes a clause that yields and one that decides.
func (r *reviewer) concession() int {
	side := r.side()
	const denied = 0.08
	switch r.IntN(6) {
	case 0:
		r.write("despite a", r.common(adjectives[1-side].mild), r.aspect(), ",")
		return r.judgement(side, denied)
	case 1:
		r.write("for all its", r.common(adjectives[1-side].mild), r.aspect(), ",")
		return r.judgement(side, denied)
	case 2:
		r.write(r.pick(phrases("although", "even though", "while")))
		r.judgement(1-side, denied)
		r.write(",")
		return r.judgement(side, denied)
	case 3:
		verdict := r.judgement(side, denied)
		r.write(",", r.pick(phrases("although", "even though", "even if")))
		r.judgement(1-side, denied)
		return verdict
	case 4:
		r.judgement(1-side, denied)
		r.write(r.pick(phrases(", but", "; still ,", ", yet")))
		return r.judgement(side, denied)
	default:
		verdict := r.judgement(side, denied)
		r.write(r.pick(phrases("despite", "in spite of")), "the", r.common(adjectives[1-side].mild), r.aspect())
		return verdict
	}
}

// enumeration writes two or three judgements that weigh against each other.
func (r *reviewer) enumeration() int {
	const denied = 0.06
	sum := r.judgement(r.side(), denied)
	if r.chance(0.5) {
		r.write(",")
		sum += r.judgement(r.side(), denied)
	}
	r.write("and")
	return sum + r.judgement(r.side(), denied)
}

// disagreement writes what others say or what was hoped for, and the verdict.
func (r *reviewer) disagreement() int {
	side := r.side()
	thing := r.pick(r.subject.things)
	ours := func() { r.write(opinionVerbs[side][r.IntN(len(opinionVerbs[side]))].past) }
	theirs := func() { r.write(opinionVerbs[1-side][r.IntN(len(opinionVerbs[side]))].past) }
	switch r.IntN(5) {
	case 0:
		r.write(r.pick(people), "called the", thing, r.common(adjectives[1-side].mild), ", but i found it")
		return r.degree(side)
	case 1:
		r.write("i found the", thing)
		verdict := r.degree(side)
		r.write("; only", r.pick(people))
		theirs()
		r.write("it")
		return verdict
	case 2:
		r.write(r.pick(people))
		theirs()
		r.write("the", thing, "that i")
		ours()
		return score(side, mildWeight)
	case 3:
		r.write("i")
		ours()
		r.write("the", thing, "that", r.pick(people))
		theirs()
		return score(side, mildWeight)
	default:
		r.write("i expected a", r.common(adjectives[1-side].mild), r.aspect(), "and got a", r.common(adjectives[side].mild), "one")
		return score(side, mildWeight)
	}
}

// comparison writes that a thing has more or less of a quality than another.
func (r *reviewer) comparison() int {
	side := r.side()
	r.write("the", r.aspect(), r.pick(copulas))
	if r.chance(0.5) {
		r.write("more", r.common(adjectives[side].mild))
	} else {
		r.write("less", r.common(adjectives[1-side].mild))
	}
	r.write("than the", r.aspect())
	return score(side, mildWeight)
}

// regret writes what might have been and is not.
func (r *reviewer) regret() int {
	side := r.side()
	quality := r.common(adjectives[1-side].mild)
	switch r.IntN(3) {
	case 0:
		r.write("the", r.aspect(), r.pick(wishes), quality)
	case 1:
		r.write("if only the", r.aspect(), "were", quality)
	default:
		r.write("with another", r.aspect(), "the", r.pick(r.subject.things), "would be", quality)
	}
	return score(side, mildWeight)
}

// fragment writes a verdict without a verb.
func (r *reviewer) fragment() int {
	side, thing := r.side(), r.pick(r.subject.things)
	switch r.IntN(5) {
	case 0:
		r.write("a", r.pick(neutral), thing, "with a")
		sum := r.degreeOf(side)
		r.write(r.aspect())
		return sum
	case 1:
		r.write("a")
		sum := r.degreeOf(side)
		r.write(thing, "with a")
		sum += r.degreeOf(r.side())
		r.write(r.aspect())
		return sum
	case 2:
		r.write("this", thing, "is a", r.common(nouns[side]))
		return score(side, strongWeight)
	case 3:
		r.write("this", thing, r.pick(phrases("is not a", "is hardly a", "is anything but a", "was never a")), r.common(nouns[1-side]))
		return score(side, mildWeight)
	default:
		r.write("what a", r.common(nouns[side]), "of a", r.pick(neutral), thing)
		return score(side, strongWeight)
	}
}

// degreeOf is degree without hedges, for before a noun.
func (r *reviewer) degreeOf(side int) int {
	if r.chance(0.3) {
		r.write(r.common(adjectives[side].strong))
		return score(side, strongWeight)
	}
	r.write(r.common(adjectives[side].mild))
	return score(side, mildWeight)
}

// write appends words; an entry may be a phrase. "a" becomes "an" where it must.
func (r *reviewer) write(entries ...string) {
	for _, entry := range entries {
		for word := range strings.FieldsSeq(entry) {
			if n := len(r.words); n > 0 && r.words[n-1] == "a" && strings.ContainsRune("aeiou", rune(word[0])) {
				r.words[n-1] = "an"
			}
			r.words = append(r.words, word)
		}
	}
}

func (r *reviewer) side() int { return r.IntN(2) }

func (r *reviewer) chance(p float64) bool { return r.Float64() < p }

func (r *reviewer) pick(from []string) string { return from[r.IntN(len(from))] }

// common picks the earlier entries of a list more often than the later ones.
func (r *reviewer) common(from []string) string {
	if r.chance(0.08) {
		return r.pick(from)
	}
	return from[min(r.IntN(len(from)), r.IntN(len(from)), r.IntN(len(from)))]
}

// aspect is one that has not been mentioned.
func (r *reviewer) aspect() string {
	a := r.aspects[0]
	r.aspects = r.aspects[1:]
	return a
}

// score is a weight with the sign of a side.
func score(side, weight int) int {
	if side == 0 {
		return -weight
	}
	return weight
}
