#!/bin/sh
# Fails where what is in Azure is not what the stack last made, or not what its program says now; where a path does not
# work; or where something is granted beyond need that was not at the last run. The folder keeps the last run's report.
#
#   ci/drift.sh dev [folder]
set -eu
umask 077 # what is in Azure is nobody else's business on this machine
stack=${1:?give the stack to look at: ci/drift.sh dev}
last=${2:-.batchaccess/drift/$stack}
code=0
pulumi preview --stack "$stack" --non-interactive --color never --refresh --diff --expect-no-changes || code=$?
mkdir -p "$last"
go build -o bin/batchaccess ./cmd/batchaccess # go run would make every exit code a 1
set -- verify --stack "$stack" --report "$last/verify.json" # where Azure could not be asked, the last report stays
if test -f "$last/verify.json"; then
	set -- "$@" --since "$last/verify.json"
fi
bin/batchaccess "$@" || code=$?
exit "$code"
