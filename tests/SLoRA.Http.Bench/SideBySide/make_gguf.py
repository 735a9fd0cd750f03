"""Makes for llama.cpp what SLoRA reads from Hugging Face folders: a Llama model in f16, and LoRA adapters of it.

usage: make_gguf.py SOURCE.gguf MODEL OUT NAME=ADAPTER ...
SOURCE.gguf gives the metadata and the tokenizer, MODEL (a folder with one model.safetensors) the weights. Writes OUT/model.gguf and
OUT/NAME.gguf. Needs numpy. Adapters with patterns, layer lists or rank-stabilised scales are refused: GGUF has one alpha for all.
"""
import json, os, re, struct, sys
import numpy as np

F16, F32 = 1, 0
U32, FLOAT, STRING, ARRAY = 4, 6, 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
MODULES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
           "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
           "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def safetensors(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), file.read()
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        raw = data[slice(*entry["data_offsets"])]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": np.float32, "F16": np.float16}[entry["dtype"]]).astype(np.float32)
        yield name, values.reshape(entry["shape"])


def read_metadata(path):
    """Key, type and bytes of each entry, as they stand in the file."""
    data = open(path, "rb").read()
    _, _, count = struct.unpack_from("<IQQ", data, 4)
    at, entries = 24, {}

    def text(at):
        length = struct.unpack_from("<Q", data, at)[0]
        return at + 8 + length

    def end(kind, at):
        if kind == STRING:
            return text(at)
        if kind != ARRAY:
            return at + SIZES[kind]
        inner, items = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(items):
            at = end(inner, at)
        return at

    for _ in range(count):
        key = data[at + 8:text(at)].decode()
        at = text(at)
        kind = struct.unpack_from("<I", data, at)[0]
        stop = end(kind, at + 4)
        entries[key] = (kind, data[at + 4:stop])
        at = stop
    return entries


def written(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def write(path, metadata, tensors):
    infos, blobs, offset = b"", [], 0
    for name, values in tensors:
        kind = F32 if values.ndim == 1 else F16
        blob = values.astype(np.float32 if kind == F32 else np.float16).tobytes()
        infos += written(name) + struct.pack("<I", values.ndim) + b"".join(struct.pack("<Q", size) for size in reversed(values.shape))
        infos += struct.pack("<IQ", kind, offset)
        blobs.append(blob + b"\0" * (-len(blob) % 32))
        offset += len(blobs[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(blobs), len(metadata))
    head += b"".join(written(key) + struct.pack("<I", kind) + value for key, (kind, value) in metadata.items()) + infos
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        file.writelines(blobs)


def permuted(values, heads):
    """llama.cpp turns neighbours where Hugging Face turns halves."""
    return values.reshape(heads, 2, values.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(values.shape)


def main(source, model, out, *adapters):
    config = json.load(open(os.path.join(model, "config.json")))
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    metadata = read_metadata(source)
    metadata["general.file_type"] = (U32, struct.pack("<I", 1))
    tensors = []
    for name, values in safetensors(os.path.join(model, "model.safetensors")):
        if name in WHOLE:
            tensors.append((WHOLE[name], values))
            continue
        layer, module = re.fullmatch(r"model\.layers\.(\d+)\.(.*)\.weight", name).groups()
        values = permuted(values, heads[MODULES[module]]) if MODULES[module] in heads else values
        tensors.append((f"blk.{layer}.{MODULES[module]}.weight", values))
    os.makedirs(out, exist_ok=True)
    write(os.path.join(out, "model.gguf"), metadata, tensors)

    for name, folder in (adapter.split("=", 1) for adapter in adapters):
        config = json.load(open(os.path.join(folder, "adapter_config.json")))
        if any(config.get(key) for key in ("rank_pattern", "alpha_pattern", "layers_to_transform", "use_rslora", "modules_to_save")):
            sys.exit(f"{folder}: one alpha and one rank cannot say it")
        tensors = []
        for key, values in safetensors(os.path.join(folder, "adapter_model.safetensors")):
            layer, module, side = re.fullmatch(r"base_model\.model\.model\.layers\.(\d+)\.(.*)\.lora_([AB])\.weight", key).groups()
            module = MODULES[module]
            values = permuted(values, heads[module]) if side == "B" and module in heads else values
            tensors.append((f"blk.{layer}.{module}.weight.lora_{side.lower()}", values))
        texts = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
        described = {key: (STRING, written(text)) for key, text in texts.items()}
        described["adapter.lora.alpha"] = (FLOAT, struct.pack("<f", config["lora_alpha"]))
        write(os.path.join(out, f"{name}.gguf"), described, tensors)


main(*sys.argv[1:])
