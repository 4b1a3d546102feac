#!/usr/bin/env bash
# Sets up what the tests need, and passes them: on the machine's GPU where it has one, otherwise on software Vulkan.
#
#   scripts/test.sh            all tests
#   scripts/test.sh --gpu      only those on the device, once
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

say "building"
cargo build --quiet

# A driver that is named already is used as it is.
if [ -z "${VK_DRIVER_FILES:-}" ] && [ "$(uname -s)" = Linux ]; then
  if cargo run --quiet -- devices --json --quiet 2>/dev/null | grep -q '"software": false'; then
    say "a GPU is here; its driver is used as it is"
  else
    say "no GPU is here: software Vulkan"
    VK_DRIVER_FILES=$(scripts/software-vulkan.sh)
    export VK_DRIVER_FILES
  fi
fi

if [ "${1:-}" = --gpu ]; then
  cargo test --quiet --test gpu
  exit
fi

say "tests"
cargo test --quiet
say "BF16 and F16 against every input, in a release build"
cargo test --quiet --release --lib equals_half

# lavapipe's vectors set the size of its subgroups: 4, 8 and 16 lanes.
case "${VK_DRIVER_FILES:-}" in
  *lvp*)
    for width in 128 512; do
      say "tests on the device, vectors of $width bits"
      LP_NATIVE_VECTOR_WIDTH=$width cargo test --quiet --test gpu
    done
    ;;
esac
say "all tests passed"
