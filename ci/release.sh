#!/usr/bin/env bash
# Publishes the tag of the module plugin and drafts the release: ci/release.sh <version> <folder of `make release`>
# Needs GH_TOKEN. It may be run again: an existing tag or release stays as it is.
set -euo pipefail
version=${1:?the tag, such as v0.1.0} out=${2:?the folder that make release made}
for file in "$out/checksums.txt" "$out/notes.md"; do
	[ -s "$file" ] || { echo "there is no $file: run make release VERSION=$version first" >&2; exit 1; }
done
(cd "$out" && sha256sum --quiet --check checksums.txt)
gh auth setup-git
git push origin "refs/tags/plugin/$version"
if gh release view "$version" >/dev/null 2>&1; then
	echo "there is a release $version already, and it stays as it is" >&2
	exit 1
fi
draft=(--draft --verify-tag --title "$version" --notes-file "$out/notes.md")
case $version in *-*) draft+=(--prerelease) ;; esac
gh release create "$version" "${draft[@]}" "$out"/*.tar.gz "$out/checksums.txt"
