// Package clients holds tests that run clients of Azure which are not ours, unmodified, against the sandbox: Microsoft's
// SDK for Go, and the azuread plugin by a replay of the calls that it makes. It shows that the sandbox is built to
// Azure's published APIs rather than to our own stand-ins, of which it must know nothing. Nothing is exported.
package clients
