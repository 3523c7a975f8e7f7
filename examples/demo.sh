#!/bin/sh
# The main job from end to end: a mock that talks, its document held against it, and fixtures.
set -eu

work=$(mktemp -d)
: >"$work/serve.log"
sparring serve --script examples/hello.yaml --port 0 >"$work/serve.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM

tries=0
until url=$(sed -n 's/.* on \(http:.*\)/\1/p' "$work/serve.log") && [ -n "$url" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 $server 2>/dev/null; then
        cat "$work/serve.log" >&2
        exit 1
    fi
    sleep 0.1
done

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
call() { curl -sS --fail-with-body -H 'Authorization: Bearer alice-key' -H 'Content-Type: application/json' "$@"; }

say "1. A mock server that keeps the talk: $url"
call "$url/sessions" -d '{"agent_id": "baker", "id": "demo-session"}'
echo
say "   The agent follows examples/hello.yaml, and streams:"
call -N "$url/sessions/demo-session/chat" -H 'Accept: text/event-stream' \
    -d '{"messages": [{"role": "user", "content": "Do you have bread?"}]}'
say "   What was said is in the history:"
call "$url/sessions/demo-session/history"
echo

say "2. The same document as a contract: sparring test $url"
sparring test "$url"

say "3. Fixtures: valid values of every schema, and a conversation"
sparring fixtures -o "$work/fixtures" --script examples/hello.yaml
ls "$work/fixtures" "$work/fixtures/conversations"
