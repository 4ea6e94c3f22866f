#!/usr/bin/env bash
# What the action does, with its inputs as variables; runs anywhere. The first thing that fails ends it.
set -euo pipefail

fail() { echo "error: $1" >&2; exit 2; }
say() { echo "--- $1" >&2; }

for name in SHAKEDOWN SHAKEDOWN_CONFIG VERSION BRANCH; do
  [ -n "${!name:-}" ] || fail "\`$name\` is empty, expected a value"
done
read -r -d '' -a pacticipants <<<"${PACTICIPANTS:-}" || true
if [ -n "${ENVIRONMENT:-}" ]; then
  [ -n "${PACT_BROKER_BASE_URL:-}" ] || fail "nobody can be asked about \`$ENVIRONMENT\` without \`broker\`"
  [ "${#pacticipants[@]}" -gt 0 ] || fail "nobody is to go to \`$ENVIRONMENT\`, expected names in \`pacticipants\`"
fi
result="${RUNNER_TEMP:-/tmp}/shakedown-contracts.json"
# An empty variable would be an address.
[ -n "${PACT_BROKER_BASE_URL:-}" ] || unset PACT_BROKER_BASE_URL

if [ "${RECORD:-true}" = true ]; then
  say "recording"
  "$SHAKEDOWN" contract record
  # New files and those that are gone count, too.
  changed=$(git status --porcelain --untracked-files=all -- "$PACTS")
  if [ -n "$changed" ]; then
    echo "$changed" >&2
    fail "the committed pacts in \`$PACTS\` are not those that were recorded: commit them"
  fi
fi

publish=()
if [ -n "${PACT_BROKER_BASE_URL:-}" ]; then
  say "publishing pacts"
  "$SHAKEDOWN" contract publish "$PACTS" --version "$VERSION" --branch "$BRANCH" --build-url "$BUILD_URL"
  publish=(--publish --provider-version "$VERSION" --branch "$BRANCH" --build-url "$BUILD_URL")
  [ -z "${FROM_BROKER:-}" ] || publish+=(--from-broker "$FROM_BROKER")
fi

say "verifying"
echo "result=$result" >>"${GITHUB_OUTPUT:-/dev/null}"
code=0
"$SHAKEDOWN" --format json contract verify "${publish[@]}" >"$result" || code=$?
[ "$code" = 0 ] || { cat "$result"; exit "$code"; }
# A verification of nothing is none.
grep --quiet '"verified": [1-9]' "$result" || fail "nothing was verified"

if [ -n "${ENVIRONMENT:-}" ]; then
  if [ "${GATE:-true}" = true ]; then
    # Each is asked, so that all answers are seen; one no is a no.
    no=0
    for name in "${pacticipants[@]}"; do
      "$SHAKEDOWN" contract can-i-deploy --pacticipant "$name" --version "$VERSION" --to "$ENVIRONMENT" || no=1
    done
    [ "$no" = 0 ] || exit 1
  fi
  if [ "${DEPLOYED:-false}" = true ]; then
    for name in "${pacticipants[@]}"; do
      "$SHAKEDOWN" contract record-deployment --pacticipant "$name" --version "$VERSION" --to "$ENVIRONMENT" --create-environment
    done
  fi
fi
