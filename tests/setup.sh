#!/usr/bin/env bash
# Installs what the tests need beside Python packages: a browser that looks at MLflow's pages, a
# voice that speaks what recognisers transcribe, and the servers of the cluster tests, which start
# their own (PostgreSQL, SLURM's daemons, munge).
# On Debian and as root they are installed; elsewhere it says what is missing, and those tests skip.
set -euo pipefail
export PATH=$PATH:/usr/sbin  # where Debian keeps the daemons

declare -A package_of=(
  [chromium]=chromium [chromedriver]=chromium-driver [espeak-ng]=espeak-ng
  [slurmctld]=slurm-wlm [slurmd]=slurm-wlm [sbatch]=slurm-wlm [munged]=munge
)
missing=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null \
  || missing+=(postgresql)

if [ ${#missing[@]} = 0 ]; then
  echo "everything that the tests need is there"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  # No server starts by itself: the tests start their own, on free ports.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
  apt-get update -q
  apt-get install -y -q --no-install-recommends "${missing[@]}"
else
  echo "missing: ${missing[*]}; the tests that need them will be skipped" >&2
fi
