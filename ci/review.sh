#!/bin/sh
# Previews a stack and reviews the access that the change gives, in the folder .batchaccess/review/<stack>:
#   preview.json   Pulumi's preview          access.md, access.sarif   the access diff
#   resources.txt  the resource diff         (ci/comment puts both into one comment)
# It fails if any of its commands fails, if a policy in policy/ is broken, or if a condition of FAIL_ON is met. It writes
# access.md in any case. It writes these four files and no others.
#
#   ci/review.sh dev [folder]
#
# FAIL_ON is guardrails,jobs,unjudged by default; `batchaccess review --help` lists the conditions. guardrails.yaml, if
# there is one, has the limits of the guardrails, the waivers and the decided types.
set -eu
umask 077 # other users of this machine must not read what is in Azure
stack=${1:?give the stack to review: ci/review.sh dev}
out=${2:-.batchaccess/review/$stack}
mkdir -p "$out"
# Begin with "not known": the result of an earlier run must not stay if this one dies.
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
# --force, because this script has written access.md above.
bin/batchaccess "$@" --format markdown --output "$out/access.md" --force --fail-on "${FAIL_ON-guardrails,jobs,unjudged}" || code=$?
bin/batchaccess "$@" --format table || true
exit "$code"
