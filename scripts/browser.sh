#!/bin/sh
# Installs the Chromium of this system that the board's tests look at pages with, where there is none.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
root=""
if [ "$(id -u)" -ne 0 ]; then root="sudo"; fi
echo "browser: installing chromium"
$root apt-get update -qq
$root apt-get install -y -qq --no-install-recommends chromium >/dev/null
