using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// An architecture that GGUF has a name for, and how its models are written: which class of Hugging Face it is, what its tensors are
/// called, whether rows of queries and keys are permuted.
/// </summary>
internal sealed record GgufArchitecture
{
    /// <summary>What a norm over groups of columns is called, which is stored as a matrix of its groups.</summary>
    public const string GroupedNorm = "ssm_norm.weight";

    private const string Layer = "blk.";

    /// <summary>What <c>general.architecture</c> says; its keys begin with it.</summary>
    public required string Name { get; init; }

    /// <summary>The class of Hugging Face that it is.</summary>
    public required string HuggingFace { get; init; }

    /// <summary>What <c>model_type</c> says of that class.</summary>
    public required string ModelType { get; init; }

    /// <summary>Tells it from others of its name, by the keys of a file; null where it is the only one.</summary>
    public Func<GgufMetadata, bool>? Tells { get; init; }

    /// <summary>What stands before the names of all modules but the head.</summary>
    public string Body { get; init; } = "model.";

    /// <summary>What the modules outside of layers are called.</summary>
    public ImmutableArray<(string Gguf, string HuggingFace)> Outer { get; init; } =
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output", "lm_head"),
    ];

    /// <summary>
    /// Whether the rows of queries and keys lie so that neighbours rotate together: row 2 i + j of a head of d rows is Hugging Face's
    /// row i + j · d/2.
    /// </summary>
    public bool PermutesHeads { get; init; }

    /// <summary>What the modules of a layer are called.</summary>
    public required ImmutableArray<(string Gguf, string HuggingFace)> Modules { get; init; }

    /// <summary>What the modules of experts are called, which lie one behind the other in one tensor; {0} stands for the expert.</summary>
    public ImmutableArray<(string Gguf, string HuggingFace)> Experts { get; init; } = [];

    /// <summary>What single tensors of a layer are called, endings included, whose names are not those of a module.</summary>
    public ImmutableArray<(string Gguf, string HuggingFace)> Vectors { get; init; } = [];

    /// <summary>Weights that a file has in parts.</summary>
    public ImmutableArray<GgufJoin> Joins { get; init; } = [];

    /// <summary>Keys, whole, with a number for each layer that Hugging Face stores as a tensor of that name.</summary>
    public ImmutableArray<(string Key, string HuggingFace)> Numbers { get; init; } = [];

    /// <summary>Whether weights of norms are stored as 1 + w, where Hugging Face stores w.</summary>
    public bool StoresNormsPlusOne { get; init; }

    /// <summary>What Hugging Face calls what a layer norm adds to the variance; null where norms are of the mean square.</summary>
    public string? LayerNormKey { get; init; }

    /// <summary>What it calls what a norm of the mean square adds to that.</summary>
    public string NormKey { get; init; } = "rms_norm_eps";

    /// <summary>What it calls the width of feed-forward blocks.</summary>
    public string WidthKey { get; init; } = "intermediate_size";

    /// <summary>What it calls whether attention has biases; null where the class says that itself.</summary>
    public string? BiasKey { get; init; } = "attention_bias";

    /// <summary>Whether a part of a head may be all that rotates.</summary>
    public bool RotatesPart { get; init; }

    /// <summary>Whether value heads of delta nets lie in llama.cpp's order.</summary>
    public bool TilesDeltaHeads { get; init; }

    /// <summary>Whether anything rotates; without it the keys about rotations mean nothing.</summary>
    public bool Rotates { get; init; } = true;

    /// <summary>Whether attention is over a latent: what rotates is a part of its own, and heads are not of one size.</summary>
    public bool HasLatent { get; init; }

    /// <summary>
    /// Whether windowed layers have heads of their own, and the last layers share keys and values of earlier ones: what files say of heads
    /// and widths is then meant for each kind of layer.
    /// </summary>
    public bool HasWindowedHeads { get; init; }

    /// <summary>Whether windowed layers have a rotation of their own, without scaling.</summary>
    public bool HasLocalRope { get; init; }

    /// <summary>The base of that rotation where the file does not say; null for that of the others.</summary>
    public double? LocalTheta { get; init; }

    /// <summary>Keys, without the architecture's name, that it honours and others refuse.</summary>
    public ImmutableArray<string> Reads { get; init; } = [];

    /// <summary>Writes what only this architecture has; null for nothing.</summary>
    public Action<GgufSettings>? Write { get; init; }

    /// <summary>Writes what only this architecture has among the settings of the rotation; null for nothing.</summary>
    public Action<GgufSettings>? WriteRope { get; init; }

    /// <summary>The name of Hugging Face for a module of a file, such as <c>blk.0.attn_q</c>; null if there is no such module.</summary>
    public string? ModuleOf(string gguf) => InLayer(gguf) is var (layer, name)
        ? Find(Modules, name) is { } module ? Prefix(layer) + module : null
        : Find(Outer, gguf);

    /// <summary>The name of Hugging Face for a tensor, such as <c>blk.0.attn_q.weight</c>; null if there is none.</summary>
    public string? TensorOf(string gguf)
    {
        if (InLayer(gguf) is var (layer, name) && Find(Vectors, name) is { } vector)
        {
            return Prefix(layer) + vector;
        }

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
        return parts is ["blk", var layer, var name, "weight" or "bias"] && IsNumber(layer) && Find(Experts, name) is { } module
            ? $"{Prefix(layer)}{module}.{parts[3]}"
            : null;
    }

    /// <summary>The weight that a tensor is a part of, such as <c>blk.0.ffn_gate_exps.weight</c>; null if it is one by itself.</summary>
    public GgufJoin? JoinOf(string gguf) =>
        gguf.Split('.') is ["blk", var layer, var name, "weight" or "bias"] && IsNumber(layer)
            ? Joins.FirstOrDefault(join => join.Parts.Contains(name))
            : null;

    /// <summary>The name of Hugging Face for the whole of what a tensor is a part of.</summary>
    public string NameOf(string gguf, GgufJoin join)
    {
        string[] parts = gguf.Split('.');
        return $"{Prefix(parts[1])}{join.HuggingFace}.{parts[3]}";
    }

    /// <summary>What was done to the numbers of a tensor; null for nothing.</summary>
    public GgufChange? ChangeOf(GgufTensor tensor) =>
        StoresNormsPlusOne && tensor.Shape.Length == 1 && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal)
            && !tensor.Name.EndsWith(GroupedNorm, StringComparison.Ordinal)
            ? GgufChange.PlusOne
            : tensor.Name.EndsWith(".ssm_a", StringComparison.Ordinal) ? GgufChange.NegatedExponential
            : null;

    /// <summary>What a file calls what Hugging Face gives this name, a tensor or a module. A name that it has none for stays.</summary>
    public string NameOf(string huggingFace)
    {
        string layers = Body + "layers.";
        foreach ((string gguf, string module) in Outer)
        {
            if (Rest(huggingFace, module) is { } rest)
            {
                return gguf + rest;
            }
        }

        int dot = huggingFace.StartsWith(layers, StringComparison.Ordinal) ? huggingFace.IndexOf('.', layers.Length) : -1;
        foreach ((string gguf, string module) in dot < 0 ? [] : Modules.AddRange(Vectors))
        {
            if (Rest(huggingFace[(dot + 1)..], module) is { } rest)
            {
                return $"{Layer}{huggingFace[layers.Length..dot]}.{gguf}{rest}";
            }
        }

        return huggingFace;

        static string? Rest(string name, string module) =>
            name == module ? "" : name.StartsWith(module + ".", StringComparison.Ordinal) ? name[module.Length..] : null;
    }

    private static string? Find(ImmutableArray<(string Gguf, string HuggingFace)> names, string name) =>
        names.FirstOrDefault(pair => pair.Gguf == name).HuggingFace;

    /// <summary>Layer and rest of a name; null for one outside of layers.</summary>
    private static (string Layer, string Name)? InLayer(string gguf)
    {
        int dot = gguf.StartsWith(Layer, StringComparison.Ordinal) ? gguf.IndexOf('.', Layer.Length) : -1;
        return dot > 0 && IsNumber(gguf.AsSpan(Layer.Length, dot - Layer.Length)) ? (gguf[Layer.Length..dot], gguf[(dot + 1)..]) : null;
    }

    private string Prefix(string layer) => $"{Body}layers.{layer}.";

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        text.Length is > 0 and < 6 && !text.ContainsAnyExceptInRange('0', '9') && (text.Length == 1 || text[0] != '0');
}
