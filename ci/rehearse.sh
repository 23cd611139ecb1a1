#!/bin/sh
# Rehearses every stack that has a configuration, without an account or credentials. Fails if one of them fails. With BASE,
# a commit, it also rehearses the change since that commit, for each stack that existed then.
set -eu
failed=
base=${BASE:-}
if test -n "$base" && ! git rev-parse --quiet --verify "$base^{commit}" >&2; then
	echo "BASE: $base is no commit here; fetch it first" >&2
	exit 1
fi
for file in Pulumi.*.yaml; do
	stack=${file#Pulumi.}
	stack=${stack%.yaml}
	echo "rehearsing $stack" >&2
	go run ./cmd/batchaccess rehearse --stack "$stack" || failed="$failed $stack"
	if test -n "$base" && git cat-file -e "$base:./$file"; then
		echo "rehearsing the change of $stack from $base" >&2
		go run ./cmd/batchaccess rehearse --stack "$stack" --from "$base" || failed="$failed $stack"
	fi
done
test -z "$failed" || { echo "these stacks failed:$failed" >&2; exit 1; }
