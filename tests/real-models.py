#!/usr/bin/env python3
"""real-models.py [SOURCE [TARGET]]   makes the folder of a real model that the fidelity tests read, and prints its path

What real-models.sh does, on systems without bash: Python 3 with numpy is all it needs.

SOURCE holds SmolLM2-135M: its GGUF, gguf_to_hf.py, adapters/ and what transformers + PEFT compute with them. The default lies beside the repository.
TARGET must be outside the repository; the default is slora-models/smollm2-135m in the user's cache folder. What is there already is kept, unless SOURCE is newer.

    PowerShell:  $env:SLORA_MODELS = python tests/real-models.py

The path goes to standard output, all else to standard error. Without SOURCE nothing is printed there, and nothing is done.
"""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ("adapters", "expected*", "long*", "prefix*", "mix*", "perplexity*")


def say(text):
    print(f"real-models: {text}", file=sys.stderr)


def cache_folder():
    if os.name == "nt":
        return pathlib.Path(os.environ.get("LOCALAPPDATA", pathlib.Path.home() / "AppData/Local"))
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


def is_current(model, *sources):
    """Whether a converted model is newer than all that it was made of."""
    return model.is_file() and all(model.stat().st_mtime > source.stat().st_mtime for source in sources)


def convert(source, gguf, target):
    script = source / "gguf_to_hf.py"
    for dtype in ("f32", "bf16"):
        model = target / f"model-{dtype}"
        if is_current(model / "model.safetensors", gguf, script):
            continue
        say(f"converting {gguf.name} to {dtype}")
        # A run that is interrupted must not leave half a model under the final name.
        part = target / f"model-{dtype}.part"
        for folder in (part, model):
            shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, script, gguf, part, "--dtype", dtype], stdout=sys.stderr, check=True)
        part.rename(model)


def share(entry, target):
    """A link to what the tests read as it is; a copy where the system does not let the user make links."""
    place = target / entry.name
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    try:
        place.symlink_to(entry, target_is_directory=entry.is_dir())
    except OSError:
        if entry.is_dir():
            shutil.copytree(entry, place)
        else:
            shutil.copy2(entry, place)


def main(arguments):
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    source = pathlib.Path(arguments[0]) if arguments else ROOT.parent / "shared/models/smollm2-135m"
    target = pathlib.Path(arguments[1]) if len(arguments) > 1 else cache_folder() / "slora-models/smollm2-135m"
    if not (source / "gguf_to_hf.py").is_file():
        say(f"there is no model at {source}; nothing to do, and tests of real models will say that they are skipped")
        return 0
    source, target = source.resolve(), target.resolve()
    if target.is_relative_to(ROOT):
        say(f"{target} is inside the repository; name a folder outside it")
        return 1
    ggufs = sorted(source.glob("*.gguf"))
    if not ggufs:
        say(f"there is no GGUF in {source}")
        return 1
    try:
        import numpy  # noqa: F401  what gguf_to_hf.py needs
    except ImportError:
        say(f"numpy is needed: {sys.executable} -m pip install numpy, or the system's package python3-numpy")
        return 1
    target.mkdir(parents=True, exist_ok=True)
    convert(source, ggufs[0], target)
    for pattern in SHARED:
        for entry in sorted(source.glob(pattern)):
            share(entry, target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
