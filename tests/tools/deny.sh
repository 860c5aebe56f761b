#!/usr/bin/env bash
# Checks licenses, bans and sources of every crate (deny.toml) with cargo-deny; where it is missing it is built once, below target/tools.
# Advisories need the network's newest list, so they are not part of this.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.20.2
tool="$PWD/target/tools/bin/cargo-deny"
if command -v cargo-deny >/dev/null; then
  tool=cargo-deny
elif [ ! -x "$tool" ]; then
  cargo install --locked --quiet --root target/tools --target-dir target/tools/build "cargo-deny@$version"
  rm -rf target/tools/build
fi
"$tool" --offline --locked check licenses bans sources
