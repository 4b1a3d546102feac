#!/usr/bin/env bash
# Changes the sampler, the block, training and the ledger where a change would be hard to see, one thing at a time, and fails where the tests do not
# notice.
#
#   scripts/mutations.sh
#
# Works on a copy of the tree in target/mutations. Takes some minutes; needs what scripts/test.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${VK_DRIVER_FILES:-}" ] && [ "$(uname -s)" = Linux ]; then
  VK_DRIVER_FILES=$(scripts/software-vulkan.sh)
  export VK_DRIVER_FILES
fi
copy=target/mutations/tree
rm -rf "$copy"
mkdir -p "$copy"
git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents -t "$copy"
export CARGO_TARGET_DIR=$PWD/target/mutations/build
failed=0

# What is changed, in which file, from what to what, and the tests that must fail.
mutation() {
  local what=$1 file=$2 from=$3 to=$4
  shift 4
  cp "$copy/$file" "$copy/$file.kept"
  python3 - "$copy/$file" "$from" "$to" <<'PYTHON'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
assert text.count(old) >= 1, f"{path} does not hold {old!r}: the mutation is out of date"
open(path, "w").write(text.replace(old, new, 1))
PYTHON
  if ! (cd "$copy" && cargo test --quiet --no-run "$@" >/dev/null 2>&1); then
    printf 'DOES NOT BUILD: %s\n' "$what"
    failed=1
  elif (cd "$copy" && cargo test --quiet "$@" >/dev/null 2>&1); then
    printf 'NOT NOTICED: %s\n' "$what"
    failed=1
  else
    printf 'noticed: %s\n' "$what"
  fi
  mv "$copy/$file.kept" "$copy/$file"
}

(cd "$copy" && cargo test --quiet --test host sample:: >/dev/null && cargo test --quiet --test gpu sample::twins >/dev/null)
(cd "$copy" && cargo test --quiet --test gpu -- block:: train witness:: plan:: >/dev/null && cargo test --quiet --test host -- block:: footprint:: >/dev/null)
echo "unchanged, the tests pass"
twin=(--test host sample::)
device=(--test gpu sample::twins)
mutation "twin: ties go to higher ids" src/sample/twin.rs 'sort_unstable_by_key(|c| (!c.key, c.id))' 'sort_unstable_by_key(|c| (!c.key, !c.id))' "${twin[@]}"
mutation "twin: a mass must be exceeded" src/sample/filters.rs 'before < mass' 'before <= mass' "${twin[@]}"
mutation "twin: a weight equal to the least is out" src/sample/filters.rs 'c.depth <= deepest' 'c.depth < deepest' "${twin[@]}"
mutation "twin: the temperature of llama.cpp comes first" src/sample/preset.rs 'matches!(self, Self::LlamaCpp | Self::Mlx)' 'matches!(self, Self::Mlx)' "${twin[@]}"
mutation "twin: the low word is the high one" src/sample/philox.rs 'words[0] << 32 | words[1], words[2]' 'words[1] << 32 | words[0], words[2]' "${device[@]}"
mutation "twin: neighbours share their noise" src/sample/twin.rs 'bits[id as usize & 1]' 'bits[0]' "${twin[@]}"
mutation "shader: the counter takes the id whole" shaders/sample/gumbel.wgsl 'philox_turns(vec4(id >> 1u,' 'philox_turns(vec4(id,' "${device[@]}"
mutation "shader: ties go to higher ids" shaders/sample/list.wgsl 'MOST_IDS - ids.x' 'ids.x' "${device[@]}"
mutation "shader: top-p must be exceeded" shaders/sample/decide.wgsl '!less64(reached[at], mass)' 'less64(mass, reached[at])' "${device[@]}"
mutation "shader: floats decide the race" shaders/sample/chunk.wgsl 'MARGIN: f32 = 0.00390625' 'MARGIN: f32 = 0.0' --test gpu sample::door::far
mutation "shader: small logits keep their bits" shaders/sample/fixed.wgsl 'shift < -23' 'shift < -200' --test gpu sample::degenerate::what
mutation "block: a query sees the key behind it" shaders/block/places.wgsl 'params.offset + token + 1u' 'params.offset + token + 2u' --test gpu block::
mutation "block: the statistics' gradient is left out" shaders/block/norm_back.wgsl '- x[base + i] * scale * scale * mean' '- x[base + i] * scale * scale * mean * 0.999' --test gpu block::
mutation "block: x is not kept" src/block/plan.rs 'of("x2", self.hidden),' '' --test gpu block::
mutation "coded: codes without their zero points" shaders/block/read/coded_scaled.wgsl 'vec4(zero_point(unit))' 'vec4(0)' --test gpu coded::
mutation "coded: blocks within a word lose their first half" shaders/lib/block_words.wgsl '(blocks[word + i] >> 16u) |' '' --test gpu coded::
mutation "train: the second moment is not corrected" shaders/train/adamw.wgsl 'sqrt(second) / params.root' 'sqrt(second)' --test gpu train::
mutation "train: BF16 is cut off" shaders/lib/bf16_pairs.wgsl 'bits + vec2(random & 0xffffu, random >> 16u)' 'bits' --test gpu train::
mutation "allocator: the oldest block first" src/footprint/estimate/allocator.rs 'iter_mut().enumerate().rev()' 'iter_mut().enumerate()' --test gpu witness::what_is
mutation "estimate: a cache without values" src/footprint/estimate/cache.rs 'layer.cached.next_multiple_of' '(layer.cached / 2).next_multiple_of' --test host footprint::
mutation "plan: one buffer is forgotten" src/footprint/estimate/needs.rs 'allocator.allocate(upload, STAGING, self.alignment);' '' --test gpu plan::
exit $failed
