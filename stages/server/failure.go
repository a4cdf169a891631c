package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cenkalti/backoff/v5"
)

// What callers branch on.
var (
	// ErrUnavailable says that the server could not be reached or kept failing, after retries. A later run may succeed.
	ErrUnavailable = errors.New("server unavailable")
	// ErrRefused says that the server answered no: a key, a name or a request to correct.
	ErrRefused = errors.New("server refused")
	// ErrCapability says that this server cannot do what is asked of it, however it is asked.
	ErrCapability = errors.New("the server cannot be used")

	// errNoTop refuses likeliest tokens of a prompt.
	errNoTop = fmt.Errorf("%w: it gives no likeliest tokens of a prompt", ErrRefused)

	// errNoRoute says that the server does not know the path.
	errNoRoute = errors.New("no such route")
)

// transient is a failure that may pass.
type transient struct {
	message  string
	busy     bool // the server says that it has too much to do: it is not gone
	answered bool // it is the server's own answer, not a broken connection
	after    *backoff.RetryAfterError
}

func (t *transient) Error() string { return t.message }

// Unwrap lets package backoff see when the server wants to be asked again.
func (t *transient) Unwrap() error {
	if t.after == nil {
		return nil
	}
	return t.after
}

// errorBody is the error of a reply in the shapes of vLLM (two of them), SGLang, TGI, llama.cpp, llama-cpp-python and FastAPI.
type errorBody struct {
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail"`
	Code    json.RawMessage `json:"code"`
}

// reason returns what a server says of its refusal, on one line.
func reason(body []byte) string {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		return line(string(body))
	}
	message, _ := b.said()
	if message == "" {
		message = string(body)
	}
	return line(message)
}

// said returns the message and the HTTP status that an error has inside, "" and 0 where it has none.
func (b errorBody) said() (string, int) {
	var inner struct {
		Message string          `json:"message"`
		Code    json.RawMessage `json:"code"`
	}
	var text string
	message, code := b.Message, b.Code
	switch {
	case json.Unmarshal(b.Error, &inner) == nil && inner.Message != "":
		message, code = inner.Message, inner.Code
	case json.Unmarshal(b.Error, &text) == nil && text != "":
		message = text
	case message == "" && json.Unmarshal(b.Detail, &text) == nil && text != "":
		message = text
	case message == "" && len(b.Detail) > 0:
		message = string(b.Detail)
	}
	number, _ := strconv.Atoi(strings.Trim(string(code), `"`))
	return message, number
}

// mostError bounds the body that is searched for an error: real replies are longer, or quickly read.
const mostError = 1 << 14

// errorInside returns the error that a reply of status 200 holds instead of an answer, as gateways send.
func errorInside(body []byte) error {
	var b errorBody
	if len(body) > mostError || json.Unmarshal(body, &b) != nil {
		return nil
	}
	if len(b.Error) == 0 || string(b.Error) == "null" {
		if b.Object != "error" {
			return nil
		}
	}
	message, code := b.said()
	if message == "" {
		message = string(body)
	}
	said := "an error with status 200: " + line(message)
	if code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout {
		return fmt.Errorf("%s", said)
	}
	return &transient{message: said, busy: code == http.StatusTooManyRequests}
}

// maxLine bounds how much of a server's message is shown.
const maxLine = 300

// line is a message on one line.
func line(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "\uFFFD")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "..."
	}
	return s
}
