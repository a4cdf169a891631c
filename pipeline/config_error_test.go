package pipeline

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		sets []string
		want string
	}{
		{``, nil, `
run.yaml:1: the file is empty; a configuration needs output, probes and at least one of hash, ngram and likelihood
`},
		{`# nothing
`, nil, `
run.yaml:1: the file is empty; a configuration needs output, probes and at least one of hash, ngram and likelihood
`},
		{`---
`, nil, `
run.yaml:2: expected keys and values, got ""; a configuration needs output, probes and at least one of hash, ngram and likelihood
`},
		{`- a
`, nil, `
run.yaml:1: expected keys and values, got a list; a configuration needs output, probes and at least one of hash, ngram and likelihood
`},
		{`just words
`, nil, `
run.yaml:1: expected keys and values, got "just words"; a configuration needs output, probes and at least one of hash, ngram and likelihood
`},
		{`a: [1,
`, nil, `
run.yaml:2: not YAML: did not find expected node content, while parsing a flow node; check indentation, quotes and brackets
`},
		{`	output: x
`, nil, `
run.yaml:1: not YAML: found character that cannot start any token, while scanning for the next token; check indentation, quotes and brackets
`},
		{`output: 'x

`, nil, `
run.yaml:3: not YAML: found unexpected end of stream, while scanning a quoted scalar that starts at line 1; check indentation, quotes and brackets
`},
		{`output: *o
`, nil, `
run.yaml:1: not YAML: unknown anchor 'o' referenced; check indentation, quotes and brackets
`},
		{minimal + `---
output: b
`, nil, `
run.yaml:5: a second document; a configuration is one document, so remove the line --- and what follows it
`},
		{`ngram: {}
hash: {}
`, nil, `
run.yaml:1: output: required; give the URL or local path under which runs are written, like file:///data/evidence
run.yaml:1: probes: required; give at least one source of probes
run.yaml:1: ngram: reads the corpus, which is not configured; add corpus or remove ngram
run.yaml:2: hash: reads the corpus, which is not configured; add corpus or remove hash
`},
		{`output: o
probes: {urls: [p]}
`, nil, `
run.yaml:1: no stage is configured; add at least one of hash, ngram and likelihood, {} for the defaults
`},
		{`output: o
probes: {urls: [p]}
hash: {}
ngram: {}
`, nil, `
run.yaml:3: hash: reads the corpus, which is not configured; add corpus or remove hash
run.yaml:4: ngram: reads the corpus, which is not configured; add corpus or remove ngram
`},
		{minimal + `ngarm: {}
outptu: x
colour: red
`, nil, `
run.yaml:5: ngarm: unknown key; did you mean ngram?
run.yaml:6: outptu: unknown key; did you mean output?
run.yaml:7: colour: unknown key; known: output, run_id, logical_date, on_bad_input, corpus, probes, controls, hash, ngram, likelihood, lineage, evidence, resources
`},
		{minimal + `output: again
`, nil, `
run.yaml:5: output: the key is there twice, first at line 1; keep one
`},
		{minimal + `evidence:
resources: ~
hash:
`, nil, `
run.yaml:5: evidence: no value; give one (keys and values), or remove the key
run.yaml:6: resources: no value; give one (keys and values), or remove the key
run.yaml:7: hash: no value; give one (keys and values, {} for the defaults), or remove the key
`},
		{minimal + `"a\nb": 1
"output\u001b[1m": 2
`, []string{"run_id=\"a\\nb\"", "x\ny=1"}, `
run.yaml:5: a\x0ab: unknown key; known: output, run_id, logical_date, on_bad_input, corpus, probes, controls, hash, ngram, likelihood, lineage, evidence, resources
run.yaml:6: output\x1b[1m: unknown key; known: output, run_id, logical_date, on_bad_input, corpus, probes, controls, hash, ngram, likelihood, lineage, evidence, resources
--set run_id: "a\nb" is no name for a run; use up to 128 letters, digits, dots, underscores and dashes, and begin with a letter or digit
--set x\x0ay: unknown key; known: output, run_id, logical_date, on_bad_input, corpus, probes, controls, hash, ngram, likelihood, lineage, evidence, resources
`},
		{minimal, []string{"corpus.urls=[\"s3://b/a\\tb?token=secret\"]", "probes.0.urls=[file://host/x?password=secret]"}, `
--set corpus.urls: corpus.urls.0: "s3://b/a\tb" has a control character; remove it
--set probes.0.urls: probes.urls.0: "file://host/x" names the host host; a local file has three slashes, "file:///host/..."
`},
		{minimal + `1: x
[a, b]: y
<<: {hash: {}}
`, nil, `
run.yaml:5: a key must be a plain name, got "1"
run.yaml:6: a key must be a plain name, got a list
run.yaml:7: a key must be a plain name, got "<<"
`},
		{`output: [a]
corpus:
  urls: s3://bucket/x
  columns: [text]
probes: 3
ngram: yes
`, nil, `
run.yaml:1: output: expected a text, got a list
run.yaml:3: corpus.urls: expected a list like [a, b], got "s3://bucket/x"
run.yaml:4: corpus.columns: expected keys and values, got a list
run.yaml:5: probes: expected a source of probes, or a list of them, got "3"
run.yaml:6: ngram: expected keys and values, got "yes"
`},
		{`output: &o o
corpus: {urls: [*o]}
probes: {urls: [p]}
hash: {}
`, nil, `
run.yaml:1: output: anchors and aliases (& and *) are not read; write the value out
run.yaml:2: corpus.urls.0: anchors and aliases (& and *) are not read; write the value out
`},
		{`output: http://host/x
run_id: ../../etc
logical_date: 23.11.2026
on_bad_input: ignore
corpus:
  urls: []
  columns: {test: body, text: ""}
probes: []
hash: {near_duplicate: 1.5}
resources:
  workers: -1
  memory: 3 potatoes
`, nil, `
run.yaml:1: output: the scheme of "http://host/x" is not supported; use file://, mem://, s3://, gs://, azblob:// or a local path
run.yaml:2: run_id: "../../etc" is no name for a run; use up to 128 letters, digits, dots, underscores and dashes, and begin with a letter or digit
run.yaml:3: logical_date: "23.11.2026" is no date; write 2026-11-23 or 2026-11-23T04:00:00Z (RFC 3339)
run.yaml:4: on_bad_input: "ignore" is unknown; use quarantine or fail
run.yaml:6: corpus.urls: is empty; list at least one URL
run.yaml:7: corpus.columns.test: unknown role of a column; did you mean text?
run.yaml:7: corpus.columns.text: names no column; give a name, or remove the role
run.yaml:8: probes: required; give at least one source of probes
run.yaml:9: hash.near_duplicate: 1.5 is no Jaccard threshold; it is 0 (off) or above 0 and at most 1
run.yaml:11: resources.workers: -1 is outside 0 to 1024
run.yaml:12: resources.memory: "3 potatoes" is not a size; write a number of bytes with or without B, KB, MB, GB, KiB, MiB, GiB or TiB, like 4GiB
`},
		{`output: s3:///evidence
corpus: {urls: [gs://bucket/x, "ftp://user:secret@host/x", "", file://data/x]}
probes:
  - {from: corpus, urls: [x], rate: 0}
  - {urls: [p], rate: 0.5, kind: novel}
  - {from: disk}
  - {columns: {text: t, promt: p}}
  - {from: corpus, rate: 1.5}
hash: {near_duplicate: -1}
resources: {workers: 2000, memory: 1MiB}
run_id: ""
`, nil, `
run.yaml:1: output: "s3:///evidence" names no bucket; write s3://bucket/path
run.yaml:2: corpus.urls.1: the scheme of "ftp://host/x" is not supported; use file://, mem://, s3://, gs://, azblob:// or a local path
run.yaml:2: corpus.urls.2: is empty; give a URL or a local path
run.yaml:2: corpus.urls.3: "file://data/x" names the host data; a local file has three slashes, "file:///data/..."
run.yaml:4: probes.0.urls: has no meaning beside from: corpus, which takes the corpus's own; remove one of the two
run.yaml:4: probes.0.rate: 0 is no share of the corpus; it is above 0 and at most 1
run.yaml:5: probes.1.rate: samples the corpus only; add from: corpus or remove rate
run.yaml:5: probes.1.kind: "novel" is unknown; use work, generation or canary
run.yaml:6: probes.2.from: "disk" is unknown; use corpus or model, or give urls
run.yaml:7: probes.3.urls: required; list the URLs of Parquet files, like ["s3://bucket/data/**/*.parquet"]
run.yaml:7: probes.3.columns.promt: unknown role of a column; did you mean prompt?
run.yaml:8: probes.4.rate: 1.5 is no share of the corpus; it is above 0 and at most 1
run.yaml:9: hash.near_duplicate: -1 is no Jaccard threshold; it is 0 (off) or above 0 and at most 1
run.yaml:10: resources.workers: 2000 is outside 0 to 1024
run.yaml:10: resources.memory: 1048576 bytes are too few; give at least 64MiB
run.yaml:11: run_id: "" is no name for a run; use up to 128 letters, digits, dots, underscores and dashes, and begin with a letter or digit
`},
		{`output: o
probes: {from: corpus}
likelihood: {target: {columns: {log_probs: lp}}}
`, nil, `
run.yaml:2: probes.from: there is no corpus to take probes from; add corpus or give urls
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
likelihood: {target: {columns: {log_probs: lp}}}
`, nil, `
run.yaml:2: corpus: no stage reads it; add hash, ngram or a source of probes with from: corpus, or remove corpus
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
controls: {urls: [c], columns: {token_ids: ids}}
ngram:
  unit: tokens
`, nil, `
run.yaml:2: corpus.columns.token_ids: required in unit tokens; name the column of the texts' token ids, or give ngram.tokenizer the URL of a GGUF whose tokenizer it is
run.yaml:3: probes.columns.token_ids: required in unit tokens; name the column of the texts' token ids, or give ngram.tokenizer the URL of a GGUF whose tokenizer it is
run.yaml:4: controls: controls calibrate likelihood, which is not configured; add likelihood or remove controls
run.yaml:4: controls.columns.byte_offsets: required beside token_ids; name the column that says where the tokens begin in the text, or give ngram.tokenizer the URL of a GGUF whose tokenizer it is
`},
		{`output: o
corpus: {urls: [c], columns: {token_ids: ids, byte_offsets: offsets}}
probes:
  - {from: corpus}
  - {urls: [p], columns: {token_ids: ids, byte_offsets: offsets, prompt: prompt}}
ngram:
  unit: tokens
  min_words: 13
  min_bytes: 0
  min_tokens: 0
`, nil, `
run.yaml:5: probes.1.columns.prompt_token_ids: required beside prompt in unit tokens; name the column of the prompts' token ids, or give ngram.tokenizer the URL of a GGUF whose tokenizer it is
run.yaml:8: ngram.min_words: has no meaning in unit tokens, where min_tokens alone applies; remove it
run.yaml:9: ngram.min_bytes: has no meaning in unit tokens, where min_tokens alone applies; remove it
run.yaml:10: ngram.min_tokens: 0 is outside 1 to 10000
`},
		{`output: o
corpus: {urls: [c], columns: {token_ids: ids, byte_offsets: offsets}}
probes:
  - {urls: [p], columns: {token_ids: ids, byte_offsets: offsets}}
  - {from: model}
likelihood: {target: {url: "http://localhost:8000", model: m}}
ngram: {unit: tokens}
`, nil, `
run.yaml:5: probes.1.from: what a model writes is cut by ngram.tokenizer in unit tokens; give the URL of the model's GGUF
`},
		{`output: o
corpus: {urls: [c], columns: {byte_offsets: offsets}}
probes: {urls: [p], columns: {prompt_token_ids: ids}}
ngram: {unit: tokens, tokenizer: "http://x/m.gguf"}
`, nil, `
run.yaml:2: corpus.columns.byte_offsets: is of use with token_ids only; name that column too, or remove this one
run.yaml:4: ngram.tokenizer: the scheme of "http://x/m.gguf" is not supported; use file://, mem://, s3://, gs://, azblob:// or a local path
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p], columns: {token_ids: ids}}
ngram: {min_tokens: 50, tokenizer: m.gguf}
`, nil, `
run.yaml:3: probes.columns.token_ids: is read in unit tokens alone; set ngram.unit: tokens, or remove the role
run.yaml:4: ngram.min_tokens: has no meaning in unit words, where min_words and min_bytes apply; remove it
run.yaml:4: ngram.tokenizer: has no meaning in unit words, where min_words and min_bytes apply; remove it
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
ngram:
  unit: bytes
  min_words: 13
  min_bytes: 60
  report: [50, 100, 100]
  max_sources: 1001
  max_matches: -1
  min_match: 1.01
  near_verbatim: maybe
`, nil, `
run.yaml:6: ngram.min_words: has no meaning in unit bytes, where min_bytes alone applies; remove it
run.yaml:8: ngram.report.0: 50 is less than min_bytes, 60, and spans are never shorter; remove it or lower min_bytes
run.yaml:9: ngram.max_sources: 1001 is outside 0 to 1000
run.yaml:10: ngram.max_matches: -1 is outside 0 to 1000
run.yaml:11: ngram.min_match: 1.01 is no share of a probe; it is from 0 to 1
run.yaml:12: ngram.near_verbatim: expected true or false, got "maybe"
`},
		{`output: o
corpus: {urls: [c], columns: {tdm_headers: h}}
probes: {urls: [p]}
hash: {}
lineage:
  corpus: ""
  models:
    - name: base
      from:
        - {corpus: crawls, basis: tdm}
        - {corpus: crawl, model: base}
        - {corpus: pile, basis_ref: contract 7, jurisdiction: DE}
        - {corpus: crawl, basis: tdm_art4, jurisdiction: Germany, relation: theft}
        - {corpus: crawl}
        - {model: base}
    - {name: chat}
    - {name: base, from: [{model: chad}]}
    - {name: first, from: [{model: second}]}
    - {name: second, from: [{model: first}]}
  corpora:
    - {name: crawl, kind: web}
    - {name: crawl}
    - {name: pile, kind: corpus, generated_by: nobody}
    - {kind: corpus}
  outputs: all
`, nil, `
run.yaml:2: corpus.columns.tdm_headers: unknown role of a column; did you mean tdm_header?
run.yaml:6: lineage.corpus: "" is no name; use 1 to 200 printable characters
run.yaml:10: lineage.models.0.from.0.corpus: there is no corpus "crawls"; list it in lineage (did you mean crawl?)
run.yaml:10: lineage.models.0.from.0.basis: "tdm" is unknown; use none, authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain or unknown
run.yaml:11: lineage.models.0.from.1: is a corpus or a model; name one of the two
run.yaml:12: lineage.models.0.from.2.basis_ref: is of a basis, and none is claimed; name the basis or remove the key
run.yaml:12: lineage.models.0.from.2.jurisdiction: is of a basis, and none is claimed; name the basis or remove the key
run.yaml:13: lineage.models.0.from.3.relation: "theft" is unknown; use undetermined, copy or derivative
run.yaml:13: lineage.models.0.from.3.jurisdiction: "Germany" is no jurisdiction; give a code of ISO 3166 like DE or US-CA, or EU
run.yaml:14: lineage.models.0.from.4: "crawl" is listed twice; keep one
run.yaml:15: lineage.models.0.from.5.model: "base" cannot be made from itself; name the model it was tuned from
run.yaml:16: lineage.models.1.from: required; list what the model was made from, like [{corpus: crawl, basis: tdm_art4, jurisdiction: DE}]
run.yaml:17: lineage.models.2.name: two models have the name "base"; put what it was made from into one list
run.yaml:17: lineage.models.2.from.0.model: there is no model "chad"; list it in lineage (did you mean chat?)
run.yaml:18: lineage.models.3.from.0.model: "second" is itself made from "first"; remove one of the two
run.yaml:21: lineage.corpora.0.kind: "web" is unknown; use corpus, tuning_corpus or synthetic_corpus
run.yaml:22: lineage.corpora.1.name: two corpora have the name "crawl"; give them two
run.yaml:23: lineage.corpora.2.kind: "corpus" is unknown; use synthetic_corpus
run.yaml:23: lineage.corpora.2.generated_by: there is no model "nobody"; list it in lineage (known: base, chat, first, second)
run.yaml:24: lineage.corpora.3.name: "" is no name; use 1 to 200 printable characters
run.yaml:25: lineage.outputs: unknown key; known: corpus, corpora, models
`},
		{`output: o
probes: {urls: [p]}
likelihood: {target: {columns: {log_probs: lp}}}
lineage: {corpus: crawl}
`, nil, `
run.yaml:4: lineage.corpus: names the corpus that the run reads, and no stage reads one; remove it, or add hash or ngram
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
ngram:
  unit: letters
  min_words: 0
  min_bytes: -1
  report: []
  max_matches: 0
  near_verbatim: true
`, nil, `
run.yaml:5: ngram.unit: "letters" is unknown; use words, bytes or tokens
run.yaml:6: ngram.min_words: 0 is outside 1 to 10000
run.yaml:7: ngram.min_bytes: -1 is outside 0 to 1048576
run.yaml:8: ngram.report: is empty; list at least one length, or remove the key for the usual ones
run.yaml:10: ngram.near_verbatim: compares probes with listed documents, and ngram.max_matches lists none; raise that or remove the key
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
ngram:
  min_words: 12.5
  min_bytes: 012
  report: [13, x, 25]
  max_sources: 99999999999
  min_match: .nan
hash: {near_duplicate: high}
`, nil, `
run.yaml:5: ngram.min_words: expected a whole number like 13, got "12.5"
run.yaml:6: ngram.min_bytes: expected a whole number like 13, got "012"
run.yaml:7: ngram.report.1: expected a whole number like 13, got "x"
run.yaml:8: ngram.max_sources: 99999999999 is outside 0 to 1000
run.yaml:9: ngram.min_match: expected a number like 0.5, got ".nan"
run.yaml:10: hash.near_duplicate: expected a number like 0.5, got "high"
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
ngram: {min_words: 20, report: [13, 40, 30]}
controls: {urls: [c], columns: {txt: t}}
evidence: {score: min_k, texts: on}
`, nil, `
run.yaml:4: ngram.report.0: 13 is less than min_words, 20, and spans are never shorter; remove it or lower min_words
run.yaml:5: controls.columns.txt: unknown role of a column; did you mean text?
run.yaml:5: controls: controls calibrate likelihood, which is not configured; add likelihood or remove controls
run.yaml:6: evidence.texts: expected true or false, got "on"
run.yaml:6: evidence.score: min_k comes from likelihood, which is not configured; add likelihood or remove the score
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
likelihood: {}
`, nil, `
run.yaml:2: corpus: no stage reads it; add hash, ngram or a source of probes with from: corpus, or remove corpus
run.yaml:4: likelihood.target: required; name the model, like {model: file:///models/model.gguf}, or where its log-probabilities are, like {columns: {log_probs: log_probs}}
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
hash: {}
likelihood:
  target:
    engine: columns
    columns: {logprobs: lp, means: m, id: i, ranks: ""}
  reference:
    engine: gpu
    name: target
    urls: []
    columns: {top_ids: t}
  windows: {prefix: 0, stride: 0, context: page}
  tokens: some
evidence: {score: min_kpp}
`, nil, `
run.yaml:8: likelihood.target.columns.logprobs: unknown role of a column; did you mean log_probs?
run.yaml:8: likelihood.target.columns.ranks: names no column; give a name, or remove the role
run.yaml:8: likelihood.target.columns.id: has no meaning without urls, since the columns stand beside the probes; give urls or remove it
run.yaml:8: likelihood.target.columns.log_probs: required; name the column of the tokens' log-probabilities
run.yaml:8: likelihood.target.columns.means: is of use with deviations only; name that column too, or remove this one
run.yaml:10: likelihood.reference.engine: "gpu" is unknown; use embedded, llamacpp, http or columns
run.yaml:11: likelihood.reference.name: target and reference have the same name, "target"; give them two
run.yaml:12: likelihood.reference.urls: is empty; list at least one URL
run.yaml:13: likelihood.reference.columns.log_probs: required; name the column of the tokens' log-probabilities
run.yaml:13: likelihood.reference.columns.top_ids: is of use with top_log_probs only; name that column too, or remove this one
run.yaml:14: likelihood.windows.prefix: 0 is outside 1 to 1000000
run.yaml:14: likelihood.windows.stride: 0 is outside 1 to 1000000
run.yaml:14: likelihood.windows.context: "page" is unknown; use window or text
run.yaml:15: likelihood.tokens: "some" is unknown; use none, canaries or all
run.yaml:16: evidence.score: "min_kpp" is no score; did you mean min_k_pp?
`},
		{`output: o
probes:
  - {urls: [p]}
  - {from: model, rate: 1, kind: work, prompts: {greedy: false, length: 0}}
  - {urls: [q], prompts: {draws: 1}}
likelihood:
  target:
    - {name: base, model: base.gguf, columns: {log_probs: lp}}
    - {name: base, base: bass, engine: llamacpp, model: "ftp://m"}
    - {name: served, url: "host:8000", protocol: grpc, timeout_seconds: 0, batch: -1, requests_per_second: -1, libraries: /usr/lib}
    - {engine: embedded}
  reference: {name: served, base: base, columns: {log_probs: lp}}
  prior: {prefixes: 0}
  windows: {profile: cooper, context: text}
  permutations: -1
evidence: {score: lowercase_ratio}
`, nil, `
run.yaml:4: probes.1.rate: has no meaning beside from: model, which is prompted with the works of the other sources; remove one of the two
run.yaml:4: probes.1.kind: has no meaning beside from: model, which is prompted with the works of the other sources; remove one of the two
run.yaml:4: probes.1.prompts.length: 0 is outside 1 to 1000000
run.yaml:4: probes.1.prompts: ask for nothing; set greedy: true, or draws to at least 1
run.yaml:5: probes.2.prompts: are for from: model; add that or remove them
run.yaml:8: likelihood.target.0.model: has no meaning for the engine columns; remove it, or set engine: embedded
run.yaml:9: likelihood.target.1.model: the scheme of "ftp://m" is not supported; use file://, mem://, s3://, gs://, azblob:// or a local path
run.yaml:9: likelihood.target.1.libraries: required; give the folder of llama.cpp's shared libraries
run.yaml:9: likelihood.target.1.name: two targets have the name "base"; give them two
run.yaml:9: likelihood.target.1.base: "bass" is not the name of another target; list the base model as a target too
run.yaml:10: likelihood.target.2.libraries: has no meaning for the engine http; remove it, or set engine: llamacpp
run.yaml:10: likelihood.target.2.url: "host:8000" is no address of a server; give one like http://localhost:8000
run.yaml:10: likelihood.target.2.protocol: "grpc" is unknown; use vllm, sglang, tgi, openai or llamacpp
run.yaml:10: likelihood.target.2.batch: -1 is outside 1 to 4096
run.yaml:10: likelihood.target.2.timeout_seconds: 0 is outside 1 to 86400
run.yaml:10: likelihood.target.2.requests_per_second: -1 is no rate; give one above 0, or remove the key
run.yaml:11: likelihood.target.3.model: required; give the GGUF of the model, like file:///models/model.gguf
run.yaml:12: likelihood.reference.base: has no meaning of a reference, which nothing is tuned from; remove one of the two
run.yaml:12: likelihood.reference.name: target and reference have the same name, "served"; give them two
run.yaml:13: likelihood.prior.prefixes: 0 is outside 1 to 1000
run.yaml:13: likelihood.prior: draws its prefixes from the controls, which are not configured; add controls or remove prior
run.yaml:13: likelihood.prior: other prefixes take the place of a window's own; set likelihood.windows to context window and profile tokens, or remove prior
run.yaml:14: likelihood.windows.context: profile cooper cuts the text anew for every window; remove one of the two
run.yaml:15: likelihood.permutations: -1 is outside 0 to 100000
run.yaml:16: evidence.score: lowercase_ratio needs a second pass over the model, which the engine columns cannot make; choose another score
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
hash: {}
likelihood: {target: {columns: {log_probs: lp}}}
`, []string{"evidence.score=reference_log_ratio"}, `
--set evidence.score: reference_log_ratio needs a reference model; add likelihood.reference or choose another score
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
hash: {}
likelihood: {target: {columns: {log_probs: lp}}}
evidence: {score: min_k_pp}
`, []string{"evidence.score=prior_lift"}, `
--set evidence.score: prior_lift needs a second pass over the model, which the engine columns cannot make; choose another score
`},
		{`output: o
corpus: {urls: [c]}
probes: {urls: [p]}
hash: {}
likelihood: {target: {columns: {log_probs: lp}}}
evidence: {score: min_k_pp}
`, nil, `
run.yaml:6: evidence.score: min_k_pp needs the moments of the vocabulary; name likelihood.target.columns.means and deviations, or choose another score
`},
		{minimal, []string{"ngram.min_word=3", "ngram.min_words=", "output.x=1", "corpus.urls.1=x", "corpus.urls.one=x", "probes.1.kind=work", "novalue", "=x", "hash={near_duplicate: 2}", "ngram.report=[1", "resources.memory=lots", "ngram.unit=&a bytes"}, `
--set "=x": expected key=value, for instance --set ngram.min_words=25
--set "novalue": expected key=value, for instance --set ngram.min_words=25
--set corpus.urls.1: corpus.urls is a list of 1, so "1" must be an index from 0 to 0; to change its length set the whole list
--set corpus.urls.one: corpus.urls is a list of 1, so "one" must be an index from 0 to 0; to change its length set the whole list
--set hash: hash.near_duplicate: 2 is no Jaccard threshold; it is 0 (off) or above 0 and at most 1
--set ngram.min_word: unknown key; did you mean min_words?
--set ngram.min_words: no value; give one (a whole number like 13), or remove the key
--set ngram.report: the value "[1" is not YAML; quote what is special to it
--set ngram.unit: anchors and aliases (& and *) are not read; write the value out
--set output.x: output is a single value and has no keys; set it as a whole
--set probes.1.kind: probes.1: unknown key; known: from, rate, prompts, urls, kind, columns
--set resources.memory: "lots" is not a size; write a number of bytes with or without B, KB, MB, GB, KiB, MiB, GiB or TiB, like 4GiB
`},
		{minimal, []string{"corpus=[a]"}, `
--set corpus: expected keys and values, got a list
`},
		{minimal + `hash: {near_duplicate: 3}
`, []string{"ngram.min_bytes=-4"}, `
run.yaml:5: hash.near_duplicate: 3 is no Jaccard threshold; it is 0 (off) or above 0 and at most 1
--set ngram.min_bytes: -4 is outside 0 to 1048576
`},
	} {
		_, err := LoadConfig("run.yaml", []byte(c.text), c.sets)
		var e *ConfigError
		if !errors.As(err, &e) {
			t.Errorf("%s %v: no error, got %v", c.text, c.sets, err)
			continue
		}
		if d := cmp.Diff(strings.Split(strings.TrimSpace(c.want), "\n"), strings.Split(err.Error(), "\n")); d != "" {
			t.Errorf("%s%v\n%s", c.text, c.sets, d)
		}
	}
}
