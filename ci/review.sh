#!/bin/sh
# Previews a stack and reviews what access the change gives, in the folder .batchaccess/review/<stack>:
#   preview.json   what Pulumi says          access.md, access.sarif   the access diff
#   resources.txt  the resource diff         (ci/comment puts both into one comment)
# It fails where any of its commands does, where a policy of the pack in policy/ is broken, or where a condition of FAIL_ON is met;
# access.md is there all the same. It writes these four files, and touches no other.
#
#   ci/review.sh dev [folder]
#
# FAIL_ON is guardrails,jobs,unjudged by default; `batchaccess review --help` lists the conditions. The limits of the
# guardrails, what is waived and which types are decided on are in guardrails.yaml, if there is one.
set -eu
umask 077 # what is in Azure is nobody else's business on this machine
stack=${1:?give the stack to review: ci/review.sh dev}
out=${2:-.batchaccess/review/$stack}
mkdir -p "$out"
# First of all nothing is known: what a run before has said must not stay if this one dies.
printf '### %s: the review did not finish\n\nThe log of the pipeline says why. What access the change gives is not known.\n' "$stack" >"$out/access.md"
rm -f "$out/preview.json" "$out/access.sarif"
: >"$out/resources.txt"

preview=0
pulumi preview --stack "$stack" --non-interactive --color never --json --show-sames >"$out/preview.json" || preview=$?
if test "$preview" != 0; then
	# The JSON has the errors too, but people can't read them there.
	pulumi preview --stack "$stack" --non-interactive --color never --diff || true
	printf '### %s: the preview failed\n\nThe log of the pipeline says why. What access the change gives is not known.\n' "$stack" >"$out/access.md"
	exit 1
fi
code=0
if test -f guardrails.yaml; then
	BATCHACCESS_GUARDRAILS=$PWD/guardrails.yaml # the policy pack takes it too
	export BATCHACCESS_GUARDRAILS
fi
pulumi preview --stack "$stack" --non-interactive --color never --diff --policy-pack "$PWD/policy" >"$out/resources.txt" || {
	code=$?
	cat "$out/resources.txt" >&2
}

go build -o bin/batchaccess ./cmd/batchaccess # go run would make every exit code a 1
set -- review "$out/preview.json" --stack "$stack"
if test -f guardrails.yaml; then
	set -- "$@" --guardrails guardrails.yaml
fi
bin/batchaccess "$@" --format sarif --output "$out/access.sarif" || code=$?
# access.md is what this script has written above: hence --force.
bin/batchaccess "$@" --format markdown --output "$out/access.md" --force --fail-on "${FAIL_ON-guardrails,jobs,unjudged}" || code=$?
bin/batchaccess "$@" --format table || true
exit "$code"
