#!/bin/sh
# Rehearses every stack that has a configuration: no account, no credentials. Fails if one of them fails.
set -eu
failed=
for file in Pulumi.*.yaml; do
	stack=${file#Pulumi.}
	stack=${stack%.yaml}
	echo "rehearsing $stack" >&2
	go run ./cmd/batchaccess rehearse --stack "$stack" || failed="$failed $stack"
done
test -z "$failed" || { echo "these stacks failed:$failed" >&2; exit 1; }
