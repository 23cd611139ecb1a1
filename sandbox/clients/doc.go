// Package clients holds tests that run clients of Azure which are not ours, unmodified, against the sandbox:
// Microsoft's SDK for Go; HashiCorp's SDK, with which the azuread plugin finds Azure, signs in and calls Graph;
// hamilton, the Graph client of the azuread provider's second generation; and the azuread plugin itself by a replay
// of the calls that it makes. It shows that the sandbox is built to Azure's published APIs rather than to our own
// stand-ins, of which it must know nothing. Nothing is exported.
package clients
