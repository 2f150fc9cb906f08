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

# Packages of PyPI in a place of their own, and `dir`, which has it: `venv sentry sentry-sdk==2.75.0`. Two suites may ask for the same one at once.
venv() {
    command -v python3 >/dev/null || cannot_run "no python3"
    dir=$(realpath -ms "${LASTWORD_SUITE_DIR:-target/suites}/$1")
    mkdir -p "$dir"
    {
        flock 9
        python3 -m venv "$dir/venv" || cannot_run "python3 has no venv"
        "$dir/venv/bin/pip" install --quiet --disable-pip-version-check "${@:2}" || cannot_run "${*:2} can't be installed"
    } 9>"$dir/lock"
}

# What suites build: the binary with all features, whatever it is that they try. With fewer it would be another one, and that in the midst of
# a suite that runs beside.
FULL=(--features lastword-cli/full)

# Builds the binary, and examples by their names, as `cargo test` builds them: by packages, or without an example, whose development
# dependencies count, most crates below would get other features and be built once more.
build() { cargo build --quiet "${FULL[@]}" --bin lastword --example quickstart "${@/#/--example=}"; }

# Builds all tests, as `cargo test` does, likewise, and prints where the ones of a name are: `built test/stream`, `built lib/lastword`. Each with the
# directory of its package before it.
built() {
    # All of what cargo says is read: it dies of a pipe that is closed while it still builds.
    cargo test --quiet "${FULL[@]}" --no-run --message-format=json-render-diagnostics | python3 -c '
import json, os, sys
built = [json.loads(line) for line in sys.stdin if line.startswith("{")]
named = [b for b in built if b.get("executable") and sys.argv[1] in (f"{kind}/" + b["target"]["name"] for kind in b["target"]["kind"])]
for b in named:
    print(os.path.dirname(b["manifest_path"]), b["executable"])
sys.exit(not named and f"no test is named {sys.argv[1]}")' "$1"
}

# Runs tests against real peers: `tests stream`, `tests copy clickhouse`, `tests lib/lastword_collector clickhouse`.
tests() {
    local name=$1 found directory executable
    [[ $name == */* ]] || name=test/$name
    found=$(built "$name")
    while read -r directory executable; do
        (cd "$directory" && "$executable" --quiet "${@:2}" </dev/null)
    done <<<"$found"
}

# Builds a program in which a panic is the end at once, and tells tests where it is: cargo builds tests that unwind, and
# nothing else. It takes the dependencies a second time, about a minute.
build_aborting() {
    cargo build --profile abort --package lastword --example last_words --no-default-features --features http
    LASTWORD_ABORTING=$(realpath "${CARGO_TARGET_DIR:-target}/abort/examples/last_words")
    export LASTWORD_ABORTING
}
