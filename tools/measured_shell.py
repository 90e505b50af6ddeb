"""A shell line that is measured while it runs, with nothing but a POSIX shell in the image.

Beside it a loop adds up what its processes hold in memory. At its end, or when it is stopped, the
files that are newer than its start are listed, and the small ones of text copied. All of it is
written to one folder of the workspace and is as untrusted as the run's other outputs.
"""

import re
import shlex

FOLDER = ".labcrew-first-run"
"""In the workspace: `memory` (KiB), `files` (size, SHA-256, path a line), `copies/`."""

_SCRIPT = r"""
cd /workspace || exit 125
F=/workspace/@FOLDER@
rm -rf "$F"; mkdir -p "$F/copies" @OUTPUTS@
: > "$F/begin"
# Files of the same instant are not newer: let the clock's grain pass.
sleep 0.05 2>/dev/null
watch_memory() {
  peak=0; looks=0
  while :; do
    sum=0
    for status in /proc/[0-9]*/status; do
      while read -r key value _; do
        if [ "$key" = VmRSS: ]; then sum=$((sum + value)); break; fi
      done < "$status"
    done 2>/dev/null
    if [ "$sum" -gt "$peak" ]; then peak=$sum; echo "$peak" > "$F/memory"; fi
    # Often at first: a short run would be over between two looks.
    looks=$((looks + 1)); pause=0.2; [ "$looks" -lt 20 ] && pause=0.04
    sleep "$pause" 2>/dev/null || sleep 1
  done
}
watch_memory 2>/dev/null &
watcher=$!
# One stream: which of two came first is the engine's to say.
sh -c @COMMAND@ < /dev/null 2>&1 &
run=$!
stopped=
trap 'stopped=1; kill -TERM -1 2>/dev/null' TERM INT
wait "$run"; code=$?
while [ -n "$stopped" ] && kill -0 "$run" 2>/dev/null && [ "${waited:-0}" -lt 20 ]; do
  sleep 0.1 2>/dev/null || sleep 1
  waited=$((${waited:-0} + 1))
done
trap '' TERM INT
kill -KILL "$watcher" 2>/dev/null
find . -path ./@FOLDER@ -prune -o -path ./.git -prune -o -name __pycache__ -prune -o \
  -type f -newer "$F/begin" -exec sh -c '
  n=0; copied=0
  for path; do
    n=$((n + 1)); [ "$n" -gt 500 ] && break
    path=${path#./}
    size=$(wc -c < "$path") || continue
    hash=
    [ "$size" -le 268435456 ] && hash=$(sha256sum < "$path" 2>/dev/null) && hash=${hash%% *}
    printf "%d %s %s\n" "$size" "$hash" "$path" >> "$0/files"
    case $path in *.json|*.jsonl|*.ndjson|*.csv|*.tsv|*.txt|*.log|*.yaml|*.yml|*.out|*.md)
      if [ "$size" -le 1048576 ] && [ "$copied" -lt 100 ]; then
        copied=$((copied + 1))
        case $path in */*) mkdir -p "$0/copies/${path%/*}";; esac
        cp "$path" "$0/copies/$path"
      fi;;
    esac
  done' "$F" {} + 2>/dev/null
exit "$code"
"""


def measured(command: str, outputs: str) -> tuple[str, ...]:
    """A container's command that runs a shell line and measures it.

    Args:
        command: one shell line, run in the workspace.
        outputs: a folder that is made before.
    """
    known = {"FOLDER": FOLDER, "OUTPUTS": shlex.quote(outputs), "COMMAND": shlex.quote(command)}
    script = re.sub("@(FOLDER|OUTPUTS|COMMAND)@", lambda found: known[found[1]], _SCRIPT)
    return ("sh", "-c", script)
