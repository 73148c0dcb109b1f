// Checks that Hugging Face's tokenizers reads tokenizer.json, which Save writes,
// as the tokenizer that made golden.json.
//
//	npm install tokenizers@0.23.2
//	node fast.mjs
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import hf from 'tokenizers'

const here = name => new URL(name, import.meta.url).pathname
const golden = JSON.parse(readFileSync(here('golden.json')))
const t = hf.Tokenizer.fromFile(here('tokenizer.json'))
let checked = 0
const check = (text, got, want) => {
  checked++
  if (!isDeepStrictEqual(got, want)) {
    console.log(JSON.stringify(text), 'gives', JSON.stringify(got), 'want', JSON.stringify(want))
    process.exitCode = 1
  }
}
for (const { vocabulary, config, text, tokens } of golden.texts) {
  if (vocabulary !== 'small' || config !== 'uncased') continue
  const e = await t.encode(text, null, { addSpecialTokens: false })
  const offsets = e.getOffsets()
  check(text, e.getIds().map((id, i) => [id, ...offsets[i]]), tokens)
}
for (const { a, b, maxLength, ids, types } of golden.encodings) {
  t.setTruncation(maxLength)
  const e = await t.encode(a, b)
  check([a, b], [e.getIds(), e.getTypeIds()], [ids, types])
}
console.log(checked, 'texts and pairs')
