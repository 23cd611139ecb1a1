// Package invoke starts jobs on batch endpoints and follows them to their end. It explains failures in the article's
// terms: whose token, which of the 35 actions, which identity and which storage, and what to do.
//
// It works the same with Azure and with an embedded Azure: it gets addresses from the cloud's own metadata. It must
// know nothing of Pulumi, of a command line, nor of the sandbox.
package invoke
