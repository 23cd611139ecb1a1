package invoke

// JobFailure explains a job that failed, started by the user of an object ID.
func JobFailure(job Job, objectID string) *Failure {
	return jobFailure(job, claims{ObjectID: objectID})
}
