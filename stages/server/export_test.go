package server

import "time"

// Many tries fail in the tests; they follow one another at once.
func init() { retryWait = time.Millisecond }

// MostFailures is after how many failures in a row the server is taken to be gone.
const MostFailures = mostFailures
