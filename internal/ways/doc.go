// Package ways finds the indirect ways in what Azure and Entra have, whatever made it. It does for Azure what
// access.Plan.Ways does for a plan, by the same table (roles.Escalations). It asks nobody: the estate says what could
// not be listed, and ways that depend on that are undecided.
package ways
