# Sourced by the other scripts: strict mode, the repository's root as working directory, and a few words.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a script exits with when it can't run on this machine (the convention of automake).
CANNOT_RUN=77

say() { printf '\n== %s\n' "$*"; }

# Ends a suite that lacks something: `cannot_run "no python3"`.
cannot_run() {
    printf 'cannot run here: %s\n' "$*" >&2
    exit "$CANNOT_RUN"
}
