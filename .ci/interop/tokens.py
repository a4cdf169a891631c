#!/usr/bin/env python3
"""tokens.py [FILE] prints what stages/tokenizer/testdata/vectors.json must hold; with FILE, exits 1 unless FILE holds that.

The vectors are texts and the tokens that two libraries cut them into: Hugging Face's tokenizers, by the word rules as their models'
tokenizer.json files give them, and SentencePiece. Both vocabularies are trained here, on the texts; the byte-level one without any
rule for words, so that its merges cross the places where each rule cuts, and a wrong cut shows.
"""

import io
import json
import sys

import sentencepiece
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

TEXTS = [
    "The monk scraped the parchment, and the old letters can still be read.",
    "They're sure it's ours; we'll say we've read what I'd have said. I'm DON'T THEY'LL WE'VE I'M'S 'sail 'tis ''d",
    "  two spaces before, three   within, and some after   ",
    "a\n\n\n b\t\tc \r\n d\r\r\n\n   e\n \n",
    'def cut(text, at=0):\n\treturn text[:at], text[at:]  # (1, 22, 333, 4444, 55555)\n',
    "In 1984, 3.14159 of 1234567890 and ½ of ²³ were counted: Ⅷ, ①, ١٢٣٤٥ and १२३.",
    "Où est-ce que l'été s'en va? Straße, Älte, ﬁne ﬀ, cafe\u0301, n\u0303.",
    "Пергамент был соскоблен, но старый текст всё ещё виден.",
    "羊皮纸上的文字被刮去又重写，旧的字迹仍然可见。羊皮纸123",
    "羊皮紙にパリンプセストと書く。ｶﾅ",
    "양피지 위의 글자는 지워졌다.",
    "कागज़ पर लिखा हुआ क्षत्रिय",
    "كتب الراهب على الرق ١٢ سطرا",
    "กระดาษเขียนทับ",
    "tabs\t\tand\u00a0no-break\u2003em\u3000wide\u2028line\u0085next  \u00a0 x",
    "smile 😀 family 👨\u200d👩\u200d👧 flag 🏳\ufe0f\u200d🌈 \U00010400\U0001d54f",
    "=== --- *** >>> $$$ ^^^ ~~~ ||| <<< `` {a:[1,2]} \"q\" \\n #!/bin/sh -- $5+7=12 <b>&amp;</b>",
    "\u2581 stands \u2581\u2581for spaces\u2581",
    "soft\u00adhyphen zero\u200bwidth \ufeffbom",
    "<|endoftext|> <s> </s> <0x0A> <unk>",
    "haha" * 12,
    "7" * 20,
    " " * 17 + "x",
    "\n" * 9 + "'s",
]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LINES = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
MARKS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

RULES = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "llama-bpe": [LINES % r"\p{N}{1,3}"],
    "qwen2": [LINES % r"\p{N}"],
    "qwen35": [MARKS],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
}


def byte_level():
    """The vocabulary and, for each rule, the tokens of the texts."""
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = plain
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS * 2, trainers.BpeTrainer(vocab_size=900, initial_alphabet=sorted(alphabet), show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    ids = {}
    for name, patterns in RULES.items():
        # Llama 3's file says ignore_merges.
        tokenizer = Tokenizer(
            models.BPE(model["vocab"], [tuple(m) for m in model["merges"]], ignore_merges=name == "llama-bpe")
        )
        splits = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, plain])
        ids[name] = [tokenizer.encode(text).ids for text in TEXTS]
    return {"tokens": tokens, "merges": [" ".join(m) for m in model["merges"]], "ids": ids}


def sentence_piece():
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([t.replace("\n", " ") for t in TEXTS] * 2),
        model_writer=trained,
        model_type="bpe",
        vocab_size=520,
        character_coverage=0.98,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    kinds = []
    for i in range(len(model)):
        kind = 6 if model.is_byte(i) else 3 if model.is_control(i) else 2 if model.is_unknown(i) else 1
        kinds.append(kind)
    return {
        "tokens": [model.id_to_piece(i) for i in range(len(model))],
        "types": kinds,
        "scores": [model.get_score(i) for i in range(len(model))],
        "ids": [model.encode(text) for text in TEXTS],
    }


def main():
    vectors = {"texts": TEXTS, "gpt2": byte_level(), "llama": sentence_piece()}
    if len(sys.argv) == 1:
        print(json.dumps(vectors, ensure_ascii=False, separators=(",", ":")))
        return
    with open(sys.argv[1], encoding="utf-8") as f:
        if json.load(f) != vectors:
            sys.exit(f"{sys.argv[1]} does not hold what the libraries give")
    count = len(TEXTS) * (len(RULES) + 1)
    print(f"tokens: {count} vectors of tokenizers and sentencepiece are those of {sys.argv[1]}")


main()
