// Package tokenizer splits text into BERT's word pieces, each with the bytes of
// the text that it stands for.
//
// It gives the tokens and offsets of Hugging Face's BertTokenizerFast, which is
// what transformers runs for BERT:
//
//		text -> special tokens cut out -> normalised -> words -> word pieces
//
//	  - The five special tokens are recognised wherever they stand in the text as
//	    they are written: "a[SEP]b" is a, [SEP], b, while "[sep]" is [, sep, ].
//	  - Control, format and private-use characters, U+0000, U+FFFD and bytes that
//	    are not UTF-8 vanish: "a\u200bb" is the one word ab.
//	  - CJK ideographs are words of their own (tokenize_chinese_chars), accents are
//	    stripped (strip_accents: NFD less the nonspacing marks), letters are
//	    lower-cased one by one (do_lower_case).
//	  - Words end at white space; each punctuation character is a word.
//	  - A word is split greedily into the longest pieces of the vocabulary. One
//	    that cannot be split, or that has more than 100 characters once it is
//	    normalised, is [UNK].
//
// Characters are classified as in Unicode 8.0 and decomposed as in Unicode 12.0,
// because BertTokenizerFast does so whatever the Unicode of its host: the
// punctuation and marks that were added later are ordinary letters to it. Only
// lower-casing follows the Unicode version of the Go toolchain.
package tokenizer
