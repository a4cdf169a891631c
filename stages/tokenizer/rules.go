package tokenizer

import (
	"maps"
	"slices"
)

// rule is how a model family cuts text into words. With whole, a word that is a token is that token, whatever the merges say.
type rule struct {
	split splitter
	whole bool
}

// rules has the rules by their names in GGUF files, which say the family that a rule was first seen with.
var rules = map[string]rule{
	"gpt-2":           {split: gpt2},
	"phi-2":           {split: gpt2},
	"olmo":            {split: gpt2},
	"mpt":             {split: gpt2},
	"jais":            {split: gpt2},
	"trillion":        {split: gpt2},
	"exaone4":         {split: gpt2},
	"mellum":          {split: gpt2},
	"modern-bert":     {split: gpt2},
	"roberta-bpe":     {split: gpt2},
	"gigachat":        {split: gpt2},
	"granite-docling": {split: gpt2},

	"smollm":     {split: digitsApart},
	"starcoder":  {split: digitsApart},
	"refact":     {split: digitsApart},
	"command-r":  {split: digitsApart},
	"codeshell":  {split: digitsApart},
	"exaone":     {split: digitsApart},
	"minerva-7b": {split: digitsApart},

	"llama-bpe":   {split: digitsByThree, whole: true},
	"llama3":      {split: digitsByThree, whole: true},
	"llama-v3":    {split: digitsByThree, whole: true},
	"falcon3":     {split: digitsByThree, whole: true},
	"falcon-h1":   {split: digitsByThree, whole: true},
	"lfm2":        {split: digitsByThree, whole: true},
	"pixtral":     {split: digitsByThree, whole: true},
	"dbrx":        {split: digitsByThree},
	"smaug-bpe":   {split: digitsByThree},
	"chatglm-bpe": {split: digitsByThree},
	"glm4":        {split: digitsByThree},

	"qwen2":            {split: singleDigits},
	"deepseek-r1-qwen": {split: singleDigits},
	"stablelm2":        {split: singleDigits},
	"megrez":           {split: singleDigits},
	"hunyuan":          {split: singleDigits},
	"grok-2":           {split: singleDigits},
	"solar-open":       {split: singleDigits},
	"qwen35":           {split: marksInWords},

	"tekken": {split: byCase, whole: true},

	"default": {split: fallback},
	"":        {split: fallback},
}

func knownRules() []string {
	names := slices.Sorted(maps.Keys(rules))
	return names[1:] // without ""
}
