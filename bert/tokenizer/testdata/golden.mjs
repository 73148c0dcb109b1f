// Writes golden.json: what Hugging Face's tokenizers, the Rust library behind
// BertTokenizerFast, makes of the texts below.
//
//	npm install tokenizers@0.23.2
//	node golden.mjs path/to/bert-base-uncased/vocab.txt
//
// Offsets count code points.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import hf from 'tokenizers'

const here = new URL('.', import.meta.url)
const vocabularies = { small: new URL('vocab.txt', here).pathname, bert: process.argv[2] }

const configs = {
  uncased: {},
  cased: { lowercase: false, stripAccents: false },
  accents: { stripAccents: false },
  stripped: { lowercase: false, stripAccents: true },
  joinedCJK: { handleChineseChars: false },
}

const texts = [
  '', ' ', 'Hello, World!', ' \tHeLLo!how  \n Are yoU?  ', 'unaffable', 'UNAFFABLE unaffableq', 'q the q',
  // accents: precomposed, combining, several, alone
  'Élève naïve', 'e\u0301le\u0300ve', 'a\u0301\u0323b', '\u0301', 'a \u0301 b', '\u0301a', 'a\u0344b', 'x\u0300',
  // controls, zero width, soft hyphen, byte-order mark, replacement, private use, unassigned
  'a\u0000b\u0001c', 'he\u200bllo', 'the\u200d the\ufeff', '\u00adthe', 'the\u00ad', 'a\ufffdb', 'a\ue000b', 'a\u0378b', 'a\u000bb\u0085c',
  // spaces: no-break, ideographic, em, line separator, and one that NFD makes
  'a\u00a0b', 'a\u3000b', 'a\u2003b', 'a\u2028b\u2029c', 'a\u2000b',
  // words of 100 and 101 characters, before and after accents are stripped
  'a'.repeat(100), 'a'.repeat(101), 'a\u0301'.repeat(100), 'a\u0301'.repeat(101), 'á'.repeat(101) + ' the', 'the ' + 'a'.repeat(99) + '\u200bq',
  // punctuation, ASCII symbols, symbols that are none, characters that NFD makes punctuation
  "don't", '$5+3=8', 'a—b…c', '«the»', 'a€b', 'a°b', 'a\u037eb', 'a\u2260b', 'a\u1fefb', '!\u0301', '¿the?',
  // punctuation of Unicode 8.0 only and of later versions only
  'a\u166db', 'a\u2e52b',
  // emoji
  '👍', 'the👍 the', '🧑\u200d🚀 the', '🇩🇪', '\u2764\ufe0f',
  // CJK: ideographs, kana, compatibility, extension E
  '中文', 'the中a文b', 'ah\u535A\u63A8zz', 'の中', '\uf900', '中\u0301文', 'a\u{2b820}b', 'a\u{2b920}b', '\u{2f800}',
  // Hangul falls into jamo
  '한', '한국', '\u1112\u1161\u11ab',
  // scripts and casing: dotted I, sharp s, final sigma, Kelvin, Angstrom, titlecase, full width, Cyrillic
  'İ', 'İi', 'Straße', 'STRASSE ẞ', 'ΟΔΟΣ', 'ΟΔΟς', 'K', 'Å', 'ǅ', 'ＴＨＥ', 'мир Мир', 'theмир', 'Й', 'ﬁ',
  // special tokens in the text
  'the [MASK] the', 'a[SEP]b', '[sep] [CLS', '[[SEP]]', '[SEP]\u0301a', '[MA\u200bSK]', '[UNK] q', '[PAD][CLS]', 'a[SEP',
  // what looks like a piece
  '##able', 'un##able', '##', 'a##',
]

const pairs = [
  ['Hello the world', 'un the unaffable'], ['', 'the'], ['the', ''], ['', ''],
  ['the the the the the the', 'a'], ['a', 'the the the the the the'],
  ['the the the the', 'a a a a'], ['the the the the the', 'a a a a'], ['the the the the', 'a a a a a'],
]

const sentences = [
  "don't stop, will you ? i'm the one who 's here .", 'unaffable!', "we've they're [SEP] [PAD]", "the ' the",
]

async function tokenizer(vocabulary, options) {
  const t = new hf.Tokenizer(await hf.WordPiece.fromFile(vocabularies[vocabulary]))
  t.setNormalizer(hf.bertNormalizer(options))
  t.setPreTokenizer(hf.bertPreTokenizer())
  t.setDecoder(hf.wordPieceDecoder('##', true))
  t.setPostProcessor(hf.bertProcessing(['[SEP]', t.tokenToId('[SEP]')], ['[CLS]', t.tokenToId('[CLS]')]))
  t.addSpecialTokens(['[UNK]', '[SEP]', '[PAD]', '[CLS]', '[MASK]'])
  return t
}

// transformers' clean_up_tokenization, which follows the library's decoder
const cleanUp = s => [[' .', '.'], [' ?', '?'], [' !', '!'], [' ,', ','], [" ' ", "'"], [" n't", "n't"], [" 'm", "'m"],
  [" 's", "'s"], [" 've", "'ve"], [" 're", "'re"]].reduce((text, [from, to]) => text.replaceAll(from, to), s)

const golden = { texts: [], encodings: [], decodings: [] }
for (const vocabulary of Object.keys(vocabularies)) {
  for (const [config, options] of Object.entries(configs)) {
    const t = await tokenizer(vocabulary, options)
    for (const text of texts) {
      const e = await t.encode(text, null, { addSpecialTokens: false })
      const offsets = e.getOffsets()
      golden.texts.push({ vocabulary, config, text, tokens: e.getIds().map((id, i) => [id, ...offsets[i]]) })
    }
  }
}

const t = await tokenizer('small', {})
for (const [a, b] of pairs) {
  // from 5 on: 0.23 cuts each text to maxLength before it weighs them, 0.22 did not
  for (let maxLength = 5; maxLength <= 12; maxLength++) {
    t.setTruncation(maxLength)
    let e = await t.encode(a, b)
    golden.encodings.push({ a, b, maxLength, ids: e.getIds(), types: e.getTypeIds() })
    e = await t.encode(a)
    golden.encodings.push({ a, b: null, maxLength, ids: e.getIds(), types: e.getTypeIds() })
  }
}

const bert = await tokenizer('bert', {})
for (const sentence of sentences) {
  const ids = (await bert.encode(sentence)).getIds()
  golden.decodings.push({ ids, text: cleanUp(await bert.decode(ids, false)) })
}

// SHA-256 of what becomes of every code point but the surrogates between "a" and
// "b", one a line: the words, separated by "|", as hexadecimal code points. Not
// lower-cased, because the Unicode version of that is not fixed.
const stripped = hf.bertNormalizer(configs.stripped)
const words = hf.bertPreTokenizer()
const hash = createHash('sha256')
for (let c = 0; c < 0x110000; c++) {
  if (c >= 0xd800 && c < 0xe000) continue
  const text = stripped.normalizeString('a' + String.fromCodePoint(c) + 'b')
  const split = words.preTokenizeString(text).map(([word]) => [...word].map(r => r.codePointAt(0).toString(16)).join(' '))
  hash.update(c.toString(16) + ': ' + split.join('|') + '\n')
}
golden.charactersSHA256 = hash.digest('hex')

const lines = key => JSON.stringify(key) + ':[\n' + golden[key].map(x => JSON.stringify(x)).join(',\n') + '\n]'
const escaped = [lines('texts'), lines('encodings'), lines('decodings'), '"charactersSHA256":"' + golden.charactersSHA256 + '"']
  .join(',\n').replace(/[^\x20-\x7e\n]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'))
writeFileSync(new URL('golden.json', here), '{' + escaped + '}\n')
