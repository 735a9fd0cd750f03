#!/bin/bash
# ptxas.sh [FOLDER]   puts NVIDIA's assembler and disassembler for kernels (ptxas, nvdisasm of CUDA 11.8) into FOLDER, and prints its path
#
# The tests of Backends/Gpu/Assembly read every kernel's machine code with them; neither a GPU nor a driver is needed.
# They come out of Debian's package nvidia-cuda-toolkit (section non-free) through apt-get, about 80 MB, without installing it.
# The default folder is ${XDG_CACHE_HOME:-~/.cache}/slora-ptxas; what is there already is kept.
#
#     export SLORA_PTXAS=$(tests/ptxas.sh)
#
# Where they cannot be had nothing is printed to standard output, the reason goes to standard error, and the tests say that they are skipped.
set -euo pipefail
folder=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/slora-ptxas}")
say() { echo "ptxas: $*" >&2; }

if [[ -x $folder/ptxas && -x $folder/nvdisasm ]]; then
    echo "$folder"
    exit 0
fi

for tool in apt-get dpkg-deb; do
    command -v "$tool" > /dev/null || { say "there is no $tool here, so the assembler cannot be fetched"; exit 0; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/sources" "$work/package"
# The machine's own sources, with all sections.
for source in /etc/apt/sources.list.d/*.sources; do
    [[ -f $source ]] && sed 's/^Components:.*/Components: main contrib non-free/' "$source" > "$work/sources/$(basename "$source")"
done
for source in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f $source ]] && sed -E 's/^(deb .*) main.*/\1 main contrib non-free/' "$source" > "$work/sources/$(basename "$source")"
done
apt=(timeout 180 apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::lists=$work/lists")

if ! { "${apt[@]}" update && (cd "$work/package" && "${apt[@]}" download nvidia-cuda-toolkit); } > "$work/log" 2>&1; then
    tail -n 2 "$work/log" >&2
    say "the package nvidia-cuda-toolkit cannot be had; tests of machine code will say that they are skipped"
    exit 0
fi

mkdir -p "$folder"
dpkg-deb --fsys-tarfile "$work"/package/*.deb | tar -x -C "$work" ./usr/bin/ptxas ./usr/bin/nvdisasm
mv "$work/usr/bin/ptxas" "$work/usr/bin/nvdisasm" "$folder/"
echo "$folder"
