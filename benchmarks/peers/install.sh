#!/bin/sh
# Installs the products that we compare ourselves with into benchmarks/.peers, from the locked files beside this one.
#
#   benchmarks/peers/install.sh [python|node]      both when nothing is said; done again, it does nothing
#
# To move to newer versions:
#   uv pip compile --generate-hashes --no-header --output-file requirements-peers.txt requirements-peers.in
#   npm install --package-lock-only --ignore-scripts
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$(dirname "$here")/.peers
what=${1:-all}
mkdir -p "$target"
printf '*\n' > "$target/.gitignore"

# True when what is installed is what the locked file says.
installed() { cmp -s "$1" "$2"; }

if [ "$what" = all ] || [ "$what" = python ]; then
    if ! installed "$here/requirements-peers.txt" "$target/venv/installed"; then
        rm -rf "$target/venv"
        python3 -m venv "$target/venv"
        "$target/venv/bin/pip" install --quiet --require-hashes --requirement "$here/requirements-peers.txt"
        cp "$here/requirements-peers.txt" "$target/venv/installed"
    fi
fi

if [ "$what" = all ] || [ "$what" = node ]; then
    if ! installed "$here/package-lock.json" "$target/node/installed"; then
        rm -rf "$target/node"
        mkdir -p "$target/node"
        cp "$here/package.json" "$here/package-lock.json" "$target/node/"
        (cd "$target/node" && npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error)
        cp "$here/package-lock.json" "$target/node/installed"
    fi
    # Node resolves a package from where the importing file really is, so the programs stand beside node_modules.
    cp "$here"/sdk_*.mjs "$target/node/"
fi
