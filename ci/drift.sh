#!/bin/sh
# Fails if Azure differs from what the stack last made or from its program, if a path does not work, or if there is access
# beyond need that was not there in the last run. The folder keeps the last run's report.
#
#   ci/drift.sh dev [folder]
set -eu
umask 077 # other users of this machine must not read what is in Azure
stack=${1:?give the stack to look at: ci/drift.sh dev}
last=${2:-.batchaccess/drift/$stack}
code=0
pulumi preview --stack "$stack" --non-interactive --color never --refresh --diff --expect-no-changes || code=$?
mkdir -p "$last"
go build -o bin/batchaccess ./cmd/batchaccess # go run would make every exit code a 1
set -- verify --stack "$stack" --report "$last/verify.json" # if Azure can't be asked, the last report stays
if test -f "$last/verify.json"; then
	set -- "$@" --since "$last/verify.json"
fi
bin/batchaccess "$@" || code=$?
exit "$code"
