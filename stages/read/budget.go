package read

import "golang.org/x/sync/semaphore"

// Limit sets the bytes of row groups that are held at once. It must not be called while row groups are held.
func (s *Source) Limit(budget int64) { s.budget, s.memory = budget, semaphore.NewWeighted(budget) }
