# Sourced by the other scripts: strict mode, the repository's root as working directory, and a few words.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the user of this machine has said about telemetry is none of a check's business: nothing is there.
export LASTWORD_SETTINGS=/nowhere/settings.json

# What a script exits with when it can't run on this machine (the convention of automake).
CANNOT_RUN=77

say() { printf '\n== %s\n' "$*"; }

# Ends a suite that lacks something: `cannot_run "no python3"`.
cannot_run() {
    printf 'cannot run here: %s\n' "$*" >&2
    exit "$CANNOT_RUN"
}

# Sees to it that a command is there, installed by apt where the run may install something: `need valgrind`.
need() {
    local command=$1 package=${2:-$1}
    command -v "$command" >/dev/null && return
    if [ "${CI:-}" = true ]; then
        # One at a time: suites that run beside each other would not wait for each other's lock.
        flock "${TMPDIR:-/tmp}/lastword-apt" bash -c '
            apt-get install -y --no-install-recommends "$1" ||
                { apt-get update && apt-get install -y --no-install-recommends "$1"; }' _ "$package"
    fi
    command -v "$command" >/dev/null || cannot_run "no $command"
}

# Builds the binary, and examples by their names, as `cargo test` builds them: by packages, or without an example, whose development
# dependencies count, most crates below would get other features and be built once more.
build() { cargo build --quiet --bin lastword --example quickstart "${@/#/--example=}"; }

# Likewise, the binary with all features: it alone is built once more.
build_full() { cargo build --quiet --bin lastword --example quickstart --features lastword-cli/full; }

# Builds a program in which a panic is the end at once, and tells tests where it is: cargo builds tests that unwind, and
# nothing else. It takes the dependencies a second time, about a minute.
build_aborting() {
    cargo build --profile abort --package lastword --example last_words --no-default-features --features http
    LASTWORD_ABORTING=$(realpath "${CARGO_TARGET_DIR:-target}/abort/examples/last_words")
    export LASTWORD_ABORTING
}
