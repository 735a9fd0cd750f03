using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// What the header of an adapter in GGUF says about the function that it computes, in the terms of PEFT: each tensor by module and role,
/// and a configuration that targets exactly these modules, each with the rank of its own matrices.
/// </summary>
internal sealed class GgufAdapterConfig
{
    private const string ArchitectureKey = "general.architecture";
    private const string TypeKey = "general.type";
    private const string KindKey = "adapter.type";
    private const string AlphaKey = "adapter.lora.alpha";
    private const string InvocationKey = "adapter.alora.invocation_tokens";
    private const string WeightEnding = ".weight";
    private const string A = ".lora_a";
    private const string B = ".lora_b";
    private const double Largest = 1e30;
    private const int MostExperts = 4096;

    private readonly GgufArchitecture _architecture;
    private readonly FrozenDictionary<string, PeftTensorKey> _keys;

    private GgufAdapterConfig(GgufHeader header, GgufBase model)
    {
        GgufMetadata metadata = header.Metadata;
        if (metadata.Text(TypeKey) is var type and not "adapter")
        {
            throw metadata.Refusal(TypeKey, $"is {Shown.Name(type)}, expected 'adapter'");
        }

        if (metadata.Text(KindKey) is var kind and not "lora")
        {
            throw metadata.Refusal(KindKey, $"is {Shown.Name(kind)}, which is not served; served is 'lora'");
        }

        if (metadata.Has(InvocationKey))
        {
            throw metadata.Refusal(InvocationKey, "makes it an activated LoRA, which is not served in this form");
        }

        string name = metadata.Text(ArchitectureKey);
        _architecture = model.Architecture is { } known && known.Name == name ? known : throw metadata.Refusal(
            ArchitectureKey, $"is {Shown.Name(name)}, the base model is {model.Architecture?.Name ?? "none that GGUF has a name for"}");
        (GgufTensor Tensor, PeftTensorKey Key)[] factors = [.. header.Tensors.SelectMany(tensor => Factors(metadata.File, tensor))];
        Tensors = [.. factors.Select(factor => factor.Tensor)];
        _keys = factors.ToFrozenDictionary(factor => factor.Tensor.Name, factor => factor.Key, StringComparer.Ordinal);
        Config = Configuration(header, metadata.Number(AlphaKey, -Largest, Largest));
    }

    /// <summary>The tensors, those of experts one by one.</summary>
    public ImmutableArray<GgufTensor> Tensors { get; }

    /// <summary>The configuration.</summary>
    public PeftConfig Config { get; }

    /// <summary>Reads a header.</summary>
    /// <exception cref="FormatError">It is no adapter, one for another architecture, or one that is not served.</exception>
    public static GgufAdapterConfig Read(GgufHeader header, GgufBase model) => new(header, model);

    /// <summary>Module and role of a tensor.</summary>
    public PeftTensorKey KeyOf(string tensor) => _keys[tensor];

    /// <summary>What the file would call a tensor of a module.</summary>
    public string NameOf(string module, PeftTensorRole role) =>
        _architecture.NameOf(module) + WeightEnding + (role is PeftTensorRole.A or PeftTensorRole.EmbeddingA ? A : B);

    /// <summary>Whether the rows of a tensor lie in an order of their own: those of B where the weight's do.</summary>
    public bool HasHeadRows(string tensor) => _architecture.PermutesHeads && _keys[tensor] is { Role: PeftTensorRole.B, Module: var module }
        && (module.EndsWith(".q_proj", StringComparison.Ordinal) || module.EndsWith(".k_proj", StringComparison.Ordinal));

    /// <summary>A tensor; of one with the matrices of all experts, each expert's.</summary>
    private IEnumerable<(GgufTensor Tensor, PeftTensorKey Key)> Factors(string file, GgufTensor tensor)
    {
        PeftTensorKey key = KeyOf(file, tensor);
        if (tensor.Shape is not [var experts and <= MostExperts, ..] || tensor.Shape.Length != 3
            || _architecture.ExpertsOf(key.Module + WeightEnding) is not { } module)
        {
            return [(tensor, key)];
        }

        long bytes = tensor.Length / experts;
        return Enumerable.Range(0, (int)experts).Select(expert => (
            tensor with
            {
                Name = $"{tensor.Name}[{expert}]",
                Shape = tensor.Shape[1..],
                Begin = tensor.Begin + (expert * bytes),
                Length = bytes,
            },
            key with { Module = string.Format(CultureInfo.InvariantCulture, module[..^WeightEnding.Length], expert) }));
    }

    private PeftTensorKey KeyOf(string file, GgufTensor tensor)
    {
        bool isA = tensor.Name.EndsWith(WeightEnding + A, StringComparison.Ordinal);
        if (!isA && !tensor.Name.EndsWith(WeightEnding + B, StringComparison.Ordinal))
        {
            throw new FormatError(LoadErrorKind.Tensor, file, tensor.Name, $"is neither {A} nor {B} of a weight");
        }

        string module = tensor.Name[..^(WeightEnding.Length + A.Length)];
        bool isEmbedding = module == "token_embd";
        PeftTensorRole role = (isA, isEmbedding) switch
        {
            (true, false) => PeftTensorRole.A,
            (false, false) => PeftTensorRole.B,
            (true, true) => PeftTensorRole.EmbeddingA,
            (false, true) => PeftTensorRole.EmbeddingB,
        };
        string name = _architecture.ModuleOf(module) ?? module;
        return _architecture.TilesDeltaHeads && name.Contains(".linear_attn.", StringComparison.Ordinal)
            ? throw new FormatError(
                LoadErrorKind.Incompatible, file, tensor.Name,
                "is for a delta net, whose heads lie in another order: not served in this form")
            : new PeftTensorKey(name, role);
    }

    private PeftConfig Configuration(GgufHeader header, double alpha)
    {
        // llama.cpp takes 0 for a scale of 1, and whoever wrote it meant another.
        if (alpha == 0)
        {
            throw header.Metadata.Error(AlphaKey, "is 0, so the adapter would change nothing");
        }

        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (GgufTensor tensor in Tensors)
        {
            PeftTensorKey key = _keys[tensor.Name];
            bool isB = key.Role is PeftTensorRole.B or PeftTensorRole.EmbeddingB;
            if (tensor.Shape.Length == 2 && (isB || !ranks.ContainsKey(key.Module)))
            {
                // A of the embedding has a row for each token.
                long rank = tensor.Shape[isB || key.Role == PeftTensorRole.EmbeddingA ? 1 : 0];
                ranks[key.Module] = (int)Math.Min(rank, int.MaxValue);
            }
        }

        return new PeftConfig
        {
            File = header.Metadata.File,
            Rank = 1,
            Alpha = alpha,
            Ranks = ranks.ToFrozenDictionary(StringComparer.Ordinal),
            TargetModules = new PeftConfig.NamePattern(null, [.. _keys.Values.Select(key => key.Module).Distinct()]),
        };
    }
}
