package extract_test

import (
	"bytes"
	"context"
	"testing"
	"unicode/utf8"

	"palimpsest/stages/extract"
	"palimpsest/stages/model"
	"palimpsest/stages/model/modeltest"
)

func TestContinue(t *testing.T) {
	work := []byte("abcdefgh-xyz")
	p := extract.Prompts{Prefix: 3, Length: 4, Stride: 2, Greedy: true, Draws: 2, TopK: 5, Seed: 7}
	all, refused, err := extract.Continue(context.Background(), &modeltest.Engine{}, p, "w", work)
	if err != nil || refused != 0 {
		t.Fatal(refused, err)
	}
	if len(all) != 9 { // prompts at 0, 2 and 4; from 6 on less than seven bytes are left
		t.Fatalf("%d attempts, want 9", len(all))
	}
	for i, a := range all {
		start := i / 3 * 2
		if a.Start != start || !bytes.Equal(a.Prompt, work[start:start+3]) || a.PromptEnd != int64(start+3) {
			t.Errorf("attempt %d is of %+v", i, a)
		}
		greedy := i%3 == 0
		if greedy != (a.TopK == 1) || greedy != (a.Seed == 0) || !greedy && a.Draw != i%3-1 {
			t.Errorf("attempt %d: k %d, draw %d, seed %d", i, a.TopK, a.Draw, a.Seed)
		}
		same := 0
		for same < 4 && a.Text[same] == work[start+3+same] {
			same++
		}
		if a.Same != same || len(a.IDs) != 4 {
			t.Errorf("attempt %d begins with %d tokens of the work's own, got %d", i, same, a.Same)
		}
	}
	if all[0].Same != 4 { // the model goes on in order
		t.Errorf("the model gave %q after %q", all[0].Text, all[0].Prompt)
	}
	if all[1].Seed == all[2].Seed || all[1].Seed == all[4].Seed {
		t.Error("draws share a seed")
	}

	p.Most = 1
	again, _, err := extract.Continue(context.Background(), &modeltest.Engine{}, p, "w", work)
	if err != nil || len(again) != 3 || !bytes.Equal(again[2].Text, all[2].Text) {
		t.Errorf("with one prompt at most: %d attempts, %v", len(again), err)
	}
	other, _, err := extract.Continue(context.Background(), &modeltest.Engine{}, p, "other", work)
	if err != nil || other[1].Seed == again[1].Seed {
		t.Errorf("two works share the seeds of their draws (%v)", err)
	}
	if none, _, err := extract.Continue(context.Background(), &modeltest.Engine{}, p, "w", work[:6]); err != nil || none != nil {
		t.Errorf("a work shorter than prompt and continuation: %v, %v", none, err)
	}
}

// textual is a server that takes text alone: what is no UTF-8 cannot be sent.
type textual struct{ modeltest.Engine }

func (e *textual) Generate(ctx context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	for _, p := range prompts {
		if !utf8.Valid(p.Text) {
			return nil, model.ErrReencoded
		}
	}
	return e.Engine.Generate(ctx, prompts)
}

// Prompts cut inside a character are left out, and counted; the others are asked.
func TestContinueWithText(t *testing.T) {
	p := extract.Prompts{Prefix: 3, Length: 1, Stride: 1, Greedy: true, Draws: 1, TopK: 5}
	made, refused, err := extract.Continue(context.Background(), &textual{}, p, "w", []byte("abcdé..."))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range made {
		if !utf8.Valid(a.Prompt) || len(a.Text) != 1 {
			t.Errorf("the prompt %q was asked: %q", a.Prompt, a.Text)
		}
	}
	if len(made) != 8 || refused != 4 { // "cd\xc3" and "\xa9.." are none; "abc" "bcd" "dé" "é." are
		t.Errorf("%d attempts, %d refused; want 8 and 4", len(made), refused)
	}
}
