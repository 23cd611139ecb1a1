package invoke

import (
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// A Kind groups failures by who can solve them. Each has its own exit code.
type Kind string

// The kinds of failures.
const (
	JobFailed Kind = "job"     // the job ran and failed, and not because of access
	Request   Kind = "request" // wrong flags, configuration, endpoint or input
	Token     Kind = "token"   // no token, or one that a batch endpoint refuses
	Invoke    Kind = "invoke"  // the invoker lacks one of the 35 actions
	Mount     Kind = "mount"   // the cluster identity can't mount the storage
	Data      Kind = "data"    // the job identity can't read or write the data
	Network   Kind = "network" // this machine can't reach the endpoint
	Service   Kind = "service" // Azure throttles or fails, again after retries
	Follow    Kind = "follow"  // the job was started, and its result is not known

	Denied   Kind = "denied"   // Azure forbids it, and no grant helps: a deny assignment, a lock, a policy
	Registry Kind = "registry" // the registry of the model, the environment or the image can't be read
)

// An ExitCode is an exit code of a program that invokes, with its meaning.
type ExitCode struct {
	Code    int
	Kind    Kind // "" for success
	Meaning string
}

var exitCodes = []ExitCode{
	{0, "", "the job was started; with --wait, it completed"},
	{1, JobFailed, "the job failed or was canceled, for another reason than access, or for one that is not known"},
	{2, Request, "wrong flags, configuration, endpoint, deployment or input: nothing was started"},
	{3, Token, "no token, or one of the wrong audience or tenant, or an expired one"},
	{4, Invoke, "the invoker may not start jobs: one of the 35 actions is missing"},
	{5, Mount, "the cluster identity can't mount the storage"},
	{6, Data, "the job identity can't read the input or write the output"},
	{7, Network, "the endpoint can't be reached from here, such as that of a private-link workspace"},
	{8, Service, "Azure throttled the request or failed, also when it was tried again"},
	{9, Follow, "the job was started, but how it ends is not known: the invoker may not poll, or waiting was " +
		"interrupted"},
	{10, Denied, "Azure forbids it whatever is granted: a deny assignment, a lock, or a policy of the tenant"},
	{11, Registry, "the registry of the model, the environment or the image can't be read"},
}

// ExitCodes lists every exit code, in order.
func ExitCodes() []ExitCode { return append([]ExitCode(nil), exitCodes...) }

// A Failure is a job that was not started or did not complete, with what to do about it. It contains no secret.
type Failure struct {
	Kind Kind `json:"kind"`
	// Hop is the step at which the job failed; "" if no step is the cause.
	Hop access.HopKind `json:"hop,omitempty"`
	// What is wrong, in a sentence.
	What string `json:"what"`
	// Said is Azure's answer: "Code: message".
	Said string `json:"said,omitempty"` // without control characters
	// Status is the HTTP status of the answer; 0 without one.
	Status int `json:"status,omitempty"`
	// Action is the missing one, Identity the object ID of the principal that lacks it, Scope the ARM ID at which it
	// lacks it, as far as Azure says so.
	Action   string `json:"action,omitempty"`
	Identity string `json:"identity,omitempty"`
	Scope    string `json:"scope,omitempty"`
	// Remedy is what to do, one step a line; some steps are commands to paste.
	Remedy []string `json:"remedy,omitempty"`

	cause error
}

func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.What)
	if f.Said != "" {
		b.WriteString("\n  Azure said: " + f.Said)
	}
	for _, line := range f.Remedy {
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// Unwrap returns the cause of the failure, if it is an error on this side.
func (f *Failure) Unwrap() error { return f.cause }

// ExitCode returns the exit code of the failure's kind.
func (f *Failure) ExitCode() int {
	for _, row := range exitCodes {
		if row.Kind == f.Kind {
			return row.Code
		}
	}
	return 1
}
