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

    /// <summary>What the modules of a layer are called.</summary>
    public required ImmutableArray<(string Gguf, string HuggingFace)> Modules { get; init; }

    /// <summary>What the modules of experts are called, which lie one behind the other in one tensor; {0} stands for the expert.</summary>
    public ImmutableArray<(string Gguf, string HuggingFace)> Experts { get; init; } = [];

    /// <summary>Whether weights of norms are stored as 1 + w, where Hugging Face stores w.</summary>
    public bool StoresNormsPlusOne { get; init; }

    /// <summary>What Hugging Face calls what a layer norm adds to the variance; null where norms are of the mean square.</summary>
    public string? LayerNormKey { get; init; }

    /// <summary>What it calls whether attention has biases; null where the class says that itself.</summary>
    public string? BiasKey { get; init; } = "attention_bias";

    /// <summary>Whether a part of a head may be all that rotates.</summary>
    public bool RotatesPart { get; init; }

    /// <summary>The base of the rotation of windowed layers; null where all have the same.</summary>
    public double? LocalTheta { get; init; }

    /// <summary>Keys, without the architecture's name, that it honours and others refuse.</summary>
    public ImmutableArray<string> Reads { get; init; } = [];

    /// <summary>Writes what only this architecture has; null for nothing.</summary>
    public Action<GgufSettings>? Write { get; init; }

    /// <summary>The name of Hugging Face for a module of a file, such as <c>blk.0.attn_q</c>; null if there is no such module.</summary>
    public string? ModuleOf(string gguf)
    {
        if (!gguf.StartsWith(Layer, StringComparison.Ordinal))
        {
            return Find(Outer, gguf);
        }

        int dot = gguf.IndexOf('.', Layer.Length);
        return dot > 0 && IsNumber(gguf.AsSpan(Layer.Length, dot - Layer.Length)) && Find(Modules, gguf[(dot + 1)..]) is { } module
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

    /// <summary>
    /// The name of Hugging Face for what one expert has of a tensor of all, {0} standing for the expert, such as of
    /// <c>blk.0.ffn_up_exps.weight</c>; null if it is no such tensor.
    /// </summary>
    public string? ExpertsOf(string gguf)
    {
        string[] parts = gguf.Split('.');
        return parts is ["blk", var layer, var name, "weight"] && IsNumber(layer)
            && Experts.FirstOrDefault(pair => pair.Gguf == name).HuggingFace is { } module
            ? $"model.layers.{layer}.{module}.weight"
            : null;
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
        foreach ((string gguf, string module) in dot < 0 ? [] : Modules)
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
