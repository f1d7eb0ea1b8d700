#!/usr/bin/env bash
# Installs what the tests need beside Python packages: a browser that looks at MLflow's pages.
# On Debian and as root it is installed; elsewhere it says what is missing, and those tests skip.
set -euo pipefail
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
  echo "chromium and chromedriver are there"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends chromium chromium-driver
else
  echo "chromium and chromedriver are missing: the tests of MLflow's pages will be skipped" >&2
fi
