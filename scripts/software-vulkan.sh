#!/usr/bin/env bash
# Installs a software Vulkan device (Mesa's lavapipe, 25 or newer) on Debian and Ubuntu, and prints the path of its driver file.
# It changes no driver of a real GPU. Everything but that path goes to standard error.
set -euo pipefail
say() { printf '%s\n' "$*" >&2; }

driver_file() { ls /usr/share/vulkan/icd.d/lvp_icd*.json 2>/dev/null | head -n 1 || true; }
version() { dpkg-query -W -f='${Version}' mesa-vulkan-drivers 2>/dev/null || true; }

if ! command -v apt-get >/dev/null || [ ! -r /etc/os-release ]; then
  say "error: no software Vulkan device, and this system has no apt-get to install one with"
  say ""
  say "hint: install Mesa's lavapipe 25 or newer and the Vulkan loader (Fedora: mesa-vulkan-drivers vulkan-loader;"
  say "      Arch: vulkan-swrast vulkan-icd-loader; Windows and macOS need neither: their own driver is used)"
  exit 2
fi
. /etc/os-release

# The tests hold for lavapipe 25; Debian 12 itself has 22, its backports have 25.
if [ -z "$(driver_file)" ] || dpkg --compare-versions "$(version)" lt 25; then
  root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "error: installing mesa-vulkan-drivers needs root, and there is no sudo"; exit 2; }
    root=sudo
  fi
  release=()
  if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    list=/etc/apt/sources.list.d/bookworm-backports.sources
    if ! grep -rqs "bookworm-backports" /etc/apt/sources.list /etc/apt/sources.list.d; then
      # The mirror is the one that this machine already uses: its first stanza, with another suite.
      say "adding the suite bookworm-backports of this machine's own mirror to $list"
      awk 'BEGIN{RS=""} NR==1' /etc/apt/sources.list.d/debian.sources | grep -v '^#' |
        sed 's/^Suites:.*/Suites: bookworm-backports/' | $root tee "$list" >/dev/null
    fi
    release=(-t bookworm-backports)
  fi
  say "installing libvulkan1 and mesa-vulkan-drivers (software Vulkan, about 30 MB)"
  export DEBIAN_FRONTEND=noninteractive
  $root apt-get update -qq >&2
  $root apt-get install -y -q --no-install-recommends libvulkan1 >&2
  $root apt-get install -y -q --no-install-recommends "${release[@]}" mesa-vulkan-drivers >&2
fi

file=$(driver_file)
[ -n "$file" ] || { say "error: mesa-vulkan-drivers $(version) brought no lavapipe driver file"; exit 2; }
say "software Vulkan: mesa $(version), $file"
printf '%s\n' "$file"
