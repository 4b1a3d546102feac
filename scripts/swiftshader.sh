#!/usr/bin/env bash
# A second opinion: the tests of the device on SwiftShader, which flushes subnormals and has 4 lanes. Needs Debian or Ubuntu with
# libvulkan1; the driver is unpacked into target/, and nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=target/swiftshader
if [ ! -f "$folder/usr/lib/chromium/vk_swiftshader_icd.json" ]; then
  mkdir -p "$folder"
  (cd "$folder" && apt-get download chromium-common && dpkg-deb -x chromium-common_*.deb .)
fi
VK_DRIVER_FILES=$PWD/$folder/usr/lib/chromium/vk_swiftshader_icd.json
export VK_DRIVER_FILES
cargo run --quiet -- devices
cargo test --test gpu
