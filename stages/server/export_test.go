package server

import "time"

// QuickRetries makes tries follow one another at once, for tests in which many fail.
func QuickRetries(wait time.Duration) (restore func()) {
	old := retryWait
	retryWait = wait
	return func() { retryWait = old }
}

// MostFailures is after how many failures in a row the server is taken to be gone.
const MostFailures = mostFailures
