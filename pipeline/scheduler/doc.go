// Package scheduler is how the tasks of a plan meet the schedulers of clusters: Emit writes a manifest that submits them and one commit
// after them, and TaskIndex reads in a task which one it is.
//
// Nothing here watches, retries or restarts: that is the scheduler's work, told by exit codes. 75 (stopped from outside) is taken up
// again, without counting as a failure where the scheduler can tell; 64 and 65 (usage, bad input) fail at once, since a retry would end
// the same way; 3 (published, but inputs were quarantined) is never retried; anything else is retried a few times. A task may run twice,
// or twice at once: it writes the same bytes.
//
// Indices are absolute, from 0, whatever is submitted. Of a run that was left incomplete only the missing tasks are submitted again:
// Slurm's arrays may have gaps; elsewhere each missing task becomes a job of its own, up to 20 of them, and beyond that the whole array
// is submitted again, in which the tasks that were done end at once.
//
// The templates are the manifests with gaps for the job's values; the commands at the top of each, or in the script that it is, say how
// it is used. configs/kubernetes and configs/slurm have what Emit makes of them, and a test holds the two together.
package scheduler
