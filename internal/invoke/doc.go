// Package invoke starts jobs on batch endpoints, follows them to their end, and explains in the terms of the article
// what went wrong: whose token, which of the 35 actions, which identity and which storage, and what would put it right.
//
// It works the same against Azure and against an embedded one: where things are comes from the cloud's own metadata. It
// must know nothing of Pulumi, of a command line, nor of the sandbox.
package invoke
