using System.Collections.Immutable;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>
/// Takes the tensors of a file apart: linear modules have <c>lora_a [in, rank]</c> and <c>lora_b [rank, out]</c>, and <c>m [out]</c> with
/// DoRA; embeddings <c>lora_a [tokens, rank]</c> and <c>lora_b [rank, hidden]</c>; experts <c>lora_a [experts, rank, in]</c>, in early
/// versions <c>[experts · rank, in]</c>, and <c>lora_b [experts, out, rank]</c>, a matrix of PEFT's for each.
/// </summary>
/// <param name="file">The name that errors call the file by.</param>
/// <param name="config">The configuration.</param>
/// <param name="model">The base model.</param>
internal sealed class MlxTensors(string file, MlxConfig config, MlxBase model)
{
    private const string A = ".lora_a";
    private const string B = ".lora_b";
    private const string Magnitude = ".m";

    private readonly MlxGates? _gates = model.Experts is { AreInTurn: true } experts ? new MlxGates(file, experts, config.Rank) : null;

    /// <summary>The most experts that a tensor was for.</summary>
    public int MostExperts { get; private set; }

    /// <summary>What the file would call a tensor of a module.</summary>
    public static string NameOf(string module, PeftTensorRole role) => module + role switch
    {
        PeftTensorRole.A or PeftTensorRole.EmbeddingA => A,
        PeftTensorRole.B or PeftTensorRole.EmbeddingB => B,
        PeftTensorRole.Magnitude => Magnitude,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "MLX has no such tensor."),
    };

    /// <summary>The module of a tensor.</summary>
    public static string ModuleOf(TensorEntry tensor) => tensor.Name[..tensor.Name.LastIndexOf('.')];

    /// <summary>The matrices that a tensor comes to; none yet where they are made of several.</summary>
    /// <exception cref="FormatError">It is no such tensor, or has another rank than the configuration says.</exception>
    public IEnumerable<MlxTensor> Of(TensorEntry tensor)
    {
        (string module, PeftTensorRole role) = Parse(tensor);
        if (!tensor.Type.IsWeight())
        {
            throw Error(tensor, $"has the type {tensor.Type}; F32, F16 and BF16 are served");
        }

        var place = MlxPlace.Of(module);
        if (model.Experts?.PartOf(place.Name) is { } part && place.Layer is not null)
        {
            ImmutableArray<TensorEntry> ofEach = OfEachExpert(tensor, role);
            return _gates is null || part == MlxExpertPart.Down
                ? ofEach.Select((entry, expert) =>
                    new MlxTensor(entry, new PeftTensorKey(model.Experts.Module(place.Prefix, part, expert), role), MlxForm.AsStored))
                : _gates.Take(place, part, role, ofEach);
        }

        if (MlxExperts.IsOne(place.Name))
        {
            throw new FormatError(
                LoadErrorKind.Incompatible, file, tensor.Name, "is of experts, and belongs to no module of the base model");
        }

        bool isEmbedding = place.Layer is null && model.IsEmbedding(module);
        if (role == PeftTensorRole.Magnitude)
        {
            return !isEmbedding ? [new MlxTensor(tensor, new PeftTensorKey(module, role), MlxForm.AsStored)] : throw new FormatError(
                LoadErrorKind.Incompatible, file, tensor.Name,
                "is of DoRA on an embedding, of which MLX brings each token's row to a norm, and what is served each column");
        }

        return isEmbedding ? OfEmbedding(tensor, module, role) : [Turned(tensor, module, role)];
    }

    /// <summary>The matrices that are made of several tensors.</summary>
    /// <exception cref="FormatError">One of them is missing, or they do not fit together.</exception>
    public IEnumerable<MlxTensor> OfSeveral() => _gates?.Tensors() ?? [];

    private MlxTensor Turned(TensorEntry tensor, string module, PeftTensorRole role)
    {
        bool isA = role is PeftTensorRole.A or PeftTensorRole.EmbeddingA;
        return tensor.Shape is [long rows, long columns] && (isA ? columns : rows) == config.Rank
            ? new MlxTensor(tensor with { Shape = [columns, rows] }, new PeftTensorKey(module, role), MlxForm.Turned, tensor)
            : throw Wrong(tensor, isA ? $"[in, {config.Rank}]" : $"[{config.Rank}, out]");
    }

    /// <summary>
    /// An embedding adds a row of A times B to a token's row; a head that is tied to it adds the product with both turned, so that A of the
    /// embedding is B of the head.
    /// </summary>
    private IEnumerable<MlxTensor> OfEmbedding(TensorEntry tensor, string module, PeftTensorRole role)
    {
        bool isA = role == PeftTensorRole.A;
        yield return Turned(tensor, module, isA ? PeftTensorRole.EmbeddingA : PeftTensorRole.EmbeddingB);
        if (model.IsTied)
        {
            yield return new MlxTensor(tensor with { Name = tensor.Name + "[head]" },
                new PeftTensorKey(model.Head!, isA ? PeftTensorRole.B : PeftTensorRole.A), MlxForm.AsStored);
        }
    }

    private (string Module, PeftTensorRole Role) Parse(TensorEntry tensor)
    {
        foreach (PeftTensorRole role in (ReadOnlySpan<PeftTensorRole>)[PeftTensorRole.A, PeftTensorRole.B, PeftTensorRole.Magnitude])
        {
            string ending = NameOf("", role);
            if (tensor.Name.Length > ending.Length && tensor.Name.EndsWith(ending, StringComparison.Ordinal))
            {
                return (tensor.Name[..^ending.Length], role);
            }
        }

        throw Error(tensor, "is none of the tensors of an adapter of MLX: lora_a, lora_b, and m of DoRA");
    }

    private ImmutableArray<TensorEntry> OfEachExpert(TensorEntry tensor, PeftTensorRole role)
    {
        if (role == PeftTensorRole.Magnitude)
        {
            throw Error(tensor, "is a magnitude of DoRA, which MLX does not have for experts");
        }

        bool isA = role == PeftTensorRole.A;
        (long count, long rows, long columns) = (tensor.Shape, isA) switch
        {
            ([long all, long inputs], true) when all % config.Rank == 0 => (all / config.Rank, config.Rank, inputs),
            ([long each, long rank, long inputs], true) when rank == config.Rank => (each, rank, inputs),
            ([long each, long outputs, long rank], false) when rank == config.Rank => (each, outputs, rank),
            _ => throw Wrong(tensor, isA ? $"[experts, {config.Rank}, in]" : $"[experts, out, {config.Rank}]"),
        };
        if (count is 0 or > MlxExperts.Most)
        {
            throw Error(tensor, $"is for {count} experts; 1 to {MlxExperts.Most} are read");
        }

        MostExperts = Math.Max(MostExperts, (int)count);
        long length = tensor.Length / count;
        return
        [
            .. Enumerable.Range(0, (int)count).Select(expert => new TensorEntry(
                $"{tensor.Name}[{expert}]", tensor.Type, [rows, columns], tensor.Begin + (expert * length), length)),
        ];
    }

    private FormatError Wrong(TensorEntry tensor, string expected) => Error(tensor,
        $"has the shape {tensor.ShapeText}; the configuration gives the rank {config.Rank}, so {expected} is expected");

    private FormatError Error(TensorEntry tensor, string problem) => new(LoadErrorKind.Tensor, file, tensor.Name, problem);
}
