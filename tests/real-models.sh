#!/bin/bash
# real-models.sh [SOURCE [TARGET]]   makes the folder of a real model that the fidelity tests read, and prints its path
#
# SOURCE holds SmolLM2-135M: its GGUF, gguf_to_hf.py, adapters/ and what transformers + PEFT compute with them. The default lies beside the repository.
# TARGET must be outside the repository; the default is ${XDG_CACHE_HOME:-~/.cache}/slora-models/smollm2-135m. What is there already is kept, unless
# SOURCE is newer.
#
#     export SLORA_MODELS=$(tests/real-models.sh)
#
# The path goes to standard output, all else to standard error. Without SOURCE nothing is printed there, and nothing is done.
# Needs python3 with numpy; Debian's package is installed if it is missing and the machine allows that.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source=${1:-$root/../shared/models/smollm2-135m}
target=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/slora-models/smollm2-135m}
say() { echo "real-models: $*" >&2; }

if [[ ! -f $source/gguf_to_hf.py ]]; then
    say "there is no model at $source; nothing to do, and tests of real models will say that they are skipped"
    exit 0
fi

source=$(cd "$source" && pwd)
target=$(realpath -m "$target")
case $target/ in "$root"/*) say "$target is inside the repository; name a folder outside it"; exit 1 ;; esac
mkdir -p "$target"

gguf=$(find "$source" -maxdepth 1 -name '*.gguf' | sort | head -n 1)
[[ -n $gguf ]] || { say "there is no GGUF in $source"; exit 1; }

python=
have_numpy() { "$1" -c 'import numpy' 2>/dev/null; }
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3; do
        if have_numpy "$candidate"; then python=$candidate; return; fi
    done
    say "installing python3-numpy"
    local sudo=
    (( EUID == 0 )) || sudo="sudo -n"
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq python3-numpy; } >&2 || { say "python3 with numpy is needed and could not be installed"; exit 1; }
    python=/usr/bin/python3
}

for dtype in f32 bf16; do
    model=$target/model-$dtype
    if [[ $model/model.safetensors -nt $gguf && $model/model.safetensors -nt $source/gguf_to_hf.py ]]; then continue; fi
    [[ -n $python ]] || find_python
    say "converting $(basename "$gguf") to $dtype"
    # A run that is interrupted must not leave half a model under the final name.
    rm -rf "$model.part" "$model"
    "$python" "$source/gguf_to_hf.py" "$gguf" "$model.part" --dtype "$dtype" >&2
    mv "$model.part" "$model"
done

shopt -s nullglob
for entry in "$source"/adapters "$source"/expected* "$source"/long* "$source"/prefix* "$source"/mix* "$source"/perplexity*; do
    ln -sfn "$entry" "$target/$(basename "$entry")"
done

echo "$target"
