#!/bin/sh
# Deploys a stack under the policies in policy/, and then asks Azure whether its grants work.
#
#   ci/deploy.sh dev
set -eu
stack=${1:?give the stack to deploy: ci/deploy.sh dev}
if test -f guardrails.yaml; then
	BATCHACCESS_GUARDRAILS=$PWD/guardrails.yaml # its limits and waivers
	export BATCHACCESS_GUARDRAILS
fi
pulumi up --stack "$stack" --yes --non-interactive --color never --diff --policy-pack "$PWD/policy"
go build -o bin/batchaccess ./cmd/batchaccess
bin/batchaccess verify --stack "$stack" --wait 15m
