using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// An architecture that GGUF has a name for, and how its models are written: which class of Hugging Face it is, what its tensors are
/// called, whether rows of queries and keys are permuted.
/// </summary>
internal sealed record GgufArchitecture
{
    private const string Layer = "blk.";

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Outer =
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output", "lm_head"),
    ];

    private static readonly ImmutableArray<(string Gguf, string HuggingFace)> Dense =
    [
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly FrozenDictionary<string, GgufArchitecture> ByName = new GgufArchitecture[]
    {
        new() { Name = "llama", HuggingFace = "LlamaForCausalLM", ModelType = "llama", PermutesHeads = true },
        new() { Name = "qwen2", HuggingFace = "Qwen2ForCausalLM", ModelType = "qwen2" },
        new() { Name = "qwen3", HuggingFace = "Qwen3ForCausalLM", ModelType = "qwen3" },
    }.ToFrozenDictionary(architecture => architecture.Name, StringComparer.Ordinal);

    /// <summary>The architectures that are read, by name.</summary>
    public static IEnumerable<string> Names => ByName.Keys.Order(StringComparer.Ordinal);

    /// <summary>What <c>general.architecture</c> says; its keys begin with it.</summary>
    public required string Name { get; init; }

    /// <summary>The class of Hugging Face that it is.</summary>
    public required string HuggingFace { get; init; }

    /// <summary>What <c>model_type</c> says of that class.</summary>
    public required string ModelType { get; init; }

    /// <summary>
    /// Whether the rows of queries and keys lie so that neighbours rotate together: row 2 i + j of a head of d rows is Hugging Face's
    /// row i + j · d/2.
    /// </summary>
    public bool PermutesHeads { get; init; }

    /// <summary>The architecture of this name; null if it is not read.</summary>
    public static GgufArchitecture? Of(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The architecture that models of a class of Hugging Face have in GGUF files; null where there is none.</summary>
    public static GgufArchitecture? OfClass(string huggingFace) =>
        // Mistral's models, which differ by their window alone, are written as Llama's.
        huggingFace == "MistralForCausalLM" ? Of("llama")
        : ByName.Values.FirstOrDefault(architecture => architecture.HuggingFace == huggingFace);

    /// <summary>The name of Hugging Face for a module of a file, such as <c>blk.0.attn_q</c>; null if there is no such module.</summary>
    public string? ModuleOf(string gguf)
    {
        if (!gguf.StartsWith(Layer, StringComparison.Ordinal))
        {
            return Find(Outer, gguf);
        }

        int dot = gguf.IndexOf('.', Layer.Length);
        return dot > 0 && IsNumber(gguf.AsSpan(Layer.Length, dot - Layer.Length)) && Find(Dense, gguf[(dot + 1)..]) is { } module
            ? $"model.layers.{gguf[Layer.Length..dot]}.{module}"
            : null;

        static string? Find(ImmutableArray<(string Gguf, string HuggingFace)> names, string name) =>
            names.FirstOrDefault(pair => pair.Gguf == name).HuggingFace;
    }

    /// <summary>The name of Hugging Face for a tensor, such as <c>blk.0.attn_q.weight</c>; null if there is none.</summary>
    public string? TensorOf(string gguf)
    {
        int dot = gguf.LastIndexOf('.');
        return dot > 0 && gguf[dot..] is ".weight" or ".bias" && ModuleOf(gguf[..dot]) is { } module ? module + gguf[dot..] : null;
    }

    /// <summary>What a file calls what Hugging Face gives this name, a tensor or a module. A name that it has none for stays.</summary>
    public string NameOf(string huggingFace)
    {
        const string Layers = "model.layers.";
        foreach ((string gguf, string module) in Outer)
        {
            if (Rest(huggingFace, module) is { } rest)
            {
                return gguf + rest;
            }
        }

        int dot = huggingFace.StartsWith(Layers, StringComparison.Ordinal) ? huggingFace.IndexOf('.', Layers.Length) : -1;
        foreach ((string gguf, string module) in dot < 0 ? [] : Dense)
        {
            if (Rest(huggingFace[(dot + 1)..], module) is { } rest)
            {
                return $"{Layer}{huggingFace[Layers.Length..dot]}.{gguf}{rest}";
            }
        }

        return huggingFace;

        static string? Rest(string name, string module) =>
            name == module ? "" : name.StartsWith(module + ".", StringComparison.Ordinal) ? name[module.Length..] : null;
    }

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        text.Length is > 0 and < 6 && !text.ContainsAnyExceptInRange('0', '9') && (text.Length == 1 || text[0] != '0');
}
