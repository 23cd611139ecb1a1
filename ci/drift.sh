#!/bin/sh
# Fails where what is in Azure is not what the stack last made, or not what its program says now.
#
#   ci/drift.sh dev
set -eu
stack=${1:?give the stack to look at: ci/drift.sh dev}
pulumi preview --stack "$stack" --non-interactive --color never --refresh --diff --expect-no-changes
