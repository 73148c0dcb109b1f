package tasks

import "strings"

// The words of the sentiment grammar. A bar in a word is where [SentimentVocab]
// splits it into pieces: "un|bear|able" has no entry of its own. Within the
// lists of opinion words, those that come first are the common ones.

// domain is what a review is about and what can be said of it.
type domain struct {
	things, aspects []string
}

var domains = []domain{
	{list("film movie drama comedy thriller sequel western cart|oon docu|ment|ary"),
		list("plot acting cast script soundtrack ending pacing dialogue editing villain hero|ine camera|work")},
	{list("book novel memoir biography diary antho|logy"),
		list("prose opening narrator translation cover style story hero glossary intro|duct|ion")},
	{list("restaurant cafe bakery diner pizzeria bistro"),
		list("soup bread dessert service menu coffee pasta waiter wine salad kitchen sauce")},
	{list("hotel hostel resort inn cottage camp|site"),
		list("bed view pool breakfast lobby shower garden staff balcony carpet recept|ion")},
	{list("phone laptop camera tablet printer head|set"),
		list("screen battery keyboard design manual speaker charger hinge software pack|aging")},
	{list("game puzzle simulator adventure platform|er"),
		list("tutorial combat artwork interface story music controller level multi|play|er")},
	{list("concert show musical opera festival recital"),
		list("singer band stage orchestra sound choir costume finale drummer light|ing")},
}

// opinion is a word for each polarity: good and bad ones, mild and strong.
type opinion struct {
	mild, strong []string
}

// adjectives by polarity, 0 negative and 1 positive, as class ids are.
var adjectives = [2]opinion{
	{list(`bad poor dull weak boring bland clumsy tedious shallow cheap stale messy sloppy annoying
		un|pleasant disappoint|ing forget|table un|reliable`),
		list("terrible awful horrible dreadful pathetic miserable worthless un|bear|able disastrous appall|ing")},
	{list(`good nice pleasant charming solid enjoyable fresh clever warm lovely decent amusing elegant
		thoughtful in|vent|ive cheerful reliable impress|ive`),
		list("excellent wonderful superb brilliant delightful stunning splendid out|standing master|ful un|forget|table")},
}

// nouns that judge, by polarity.
var nouns = [2][]string{
	list("mess disaster bore waste failure letdown insult nightmare flop chore"),
	list("delight triumph joy gem treat pleasure success master|piece treasure winner"),
}

// verb is a verb of opinion: "i <past> it", "i did not <base> it".
type verb struct {
	past, base string
}

var opinionVerbs = [2][]verb{
	{{"hated", "hate"}, {"disliked", "dislike"}, {"regretted", "regret"}, {"loathed", "loathe"}, {"despised", "despise"}},
	{{"loved", "love"}, {"liked", "like"}, {"enjoyed", "enjoy"}, {"adored", "adore"}, {"admired", "admire"}},
}

// effects are verbs of what the thing itself does: "it <third>", "it does not <base>".
type effect struct {
	third, base string
}

var effects = [2][]effect{
	{{"fails", "fail"}, {"drags", "drag"}, {"disappoints", "disappoint"}, {"annoys", "annoy"}, {"stumbles", "stumble"}, {"irritates", "irritate"}},
	{{"works", "work"}, {"shines", "shine"}, {"delights", "delight"}, {"impresses", "impress"}, {"sparkles", "sparkle"}, {"succeeds", "succeed"}},
}

var (
	copulas      = list("is was feels seems looks remains")
	intensifiers = list("very really truly extremely remarkably absolutely utterly surprising|ly")
	adverbs      = list("really truly simply always certainly")
	hedges       = phrases("somewhat", "rather", "slightly", "a bit", "a little", "more or less")
	neutral      = list("new old long short small large recent famous local modern quiet second expensive ordinary")
	people       = phrases("my sister", "my brother", "my uncle", "our neighbour", "the critics", "my friends", "a colleague", "the press", "my husband", "everyone else")

	negations = phrases("is not", "was not", "is never", "is hardly", "is far from", "is anything but", "is by no means", "is not at all", "does not seem")
	// affirmations hold a word of negation and negate nothing.
	affirmations = phrases("could not be more", "is nothing if not", "is never less than", "is not merely")
	wishes       = phrases("could have been", "should have been", "would have been", "was meant to be", "might once have been")

	openings = phrases("to be honest ,", "in my opinion ,", "in the end ,", "on the whole ,", "after two weeks ,", "last monday", "this time", "as far as i can tell ,", "so far ,", "at that price ,")
	closings = phrases("for the price", "from start to end", "this year", "on a rainy sunday", "in the evening", "for a family of four", "as a gift", "at this hour", "in this town", "even on the third day")
	stops    = []string{".", ".", ".", ".", "!"}
)

// list splits words at white space.
func list(words string) []string { return strings.Fields(words) }

// phrases are entries of several words.
func phrases(p ...string) []string { return p }
