// Package ways finds the indirect ways in what Azure and Entra have, whatever made it: the live counterpart of
// access.Plan.Ways, by the same table (roles.Escalations). It asks nobody: what could not be listed is part of the
// estate, and makes ways undecided.
package ways
