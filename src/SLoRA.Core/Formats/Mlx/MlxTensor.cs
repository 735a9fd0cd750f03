using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>A matrix of an adapter of MLX, as PEFT would have it.</summary>
/// <param name="Entry">PEFT's shape under the file's name. Of one expert, its part of the bytes.</param>
/// <param name="Stored">The tensor of the file.</param>
/// <param name="Key">Module and role.</param>
/// <param name="IsTransposed">Whether the rows of the stored matrix are the columns of PEFT's.</param>
internal sealed record MlxTensor(TensorEntry Entry, TensorEntry Stored, PeftTensorKey Key, bool IsTransposed)
{
    private const string A = ".lora_a";
    private const string B = ".lora_b";
    private const string Magnitude = ".m";

    /// <summary>
    /// Takes a tensor of the file apart: linear modules have <c>lora_a [in, rank]</c> and <c>lora_b [rank, out]</c>, and <c>m [out]</c>
    /// with DoRA; experts <c>lora_a [experts, rank, in]</c>, in early versions <c>[experts · rank, in]</c>, and
    /// <c>lora_b [experts, out, rank]</c>, a matrix of PEFT's for each.
    /// </summary>
    /// <param name="file">The name that errors call the file by.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="config">The configuration.</param>
    /// <exception cref="FormatError">It is no such tensor, or has another rank than the configuration says.</exception>
    public static IEnumerable<MlxTensor> Of(string file, TensorEntry tensor, MlxConfig config)
    {
        (string module, PeftTensorRole role) = Parse(file, tensor);
        if (!tensor.Type.IsWeight())
        {
            throw Error(file, tensor, $"has the type {tensor.Type}; F32, F16 and BF16 are served");
        }

        if (MlxExperts.Of(module) is { } experts)
        {
            return OfExperts(file, tensor, config, experts, role);
        }

        if (module.EndsWith(".embed_tokens", StringComparison.Ordinal) || module == "embed_tokens")
        {
            throw new FormatError(LoadErrorKind.Incompatible, file, tensor.Name,
                "is for an embedding, whose adapter MLX also applies to a head that is tied to it: that is not served in this form");
        }

        if (role == PeftTensorRole.Magnitude)
        {
            return [new MlxTensor(tensor, tensor, new PeftTensorKey(module, role), false)];
        }

        bool isA = role == PeftTensorRole.A;
        if (tensor.Shape is not [long rows, long columns] || (isA ? columns : rows) != config.Rank)
        {
            throw Wrong(file, tensor, config, isA ? $"[in, {config.Rank}]" : $"[{config.Rank}, out]");
        }

        return [new MlxTensor(tensor with { Shape = [columns, rows] }, tensor, new PeftTensorKey(module, role), true)];
    }

    /// <summary>What the file would call a tensor of a module.</summary>
    public static string NameOf(string module, PeftTensorRole role) => module + role switch
    {
        PeftTensorRole.A => A,
        PeftTensorRole.B => B,
        PeftTensorRole.Magnitude => Magnitude,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "MLX has no such tensor."),
    };

    private static (string Module, PeftTensorRole Role) Parse(string file, TensorEntry tensor)
    {
        foreach (PeftTensorRole role in (ReadOnlySpan<PeftTensorRole>)[PeftTensorRole.A, PeftTensorRole.B, PeftTensorRole.Magnitude])
        {
            string ending = NameOf("", role);
            if (tensor.Name.Length > ending.Length && tensor.Name.EndsWith(ending, StringComparison.Ordinal))
            {
                return (tensor.Name[..^ending.Length], role);
            }
        }

        throw Error(file, tensor, "is none of the tensors of an adapter of MLX: lora_a, lora_b, and m of DoRA");
    }

    private static IEnumerable<MlxTensor> OfExperts(
        string file, TensorEntry tensor, MlxConfig config, MlxExperts experts, PeftTensorRole role)
    {
        if (role == PeftTensorRole.Magnitude)
        {
            throw Error(file, tensor, "is a magnitude of DoRA, which MLX does not have for experts");
        }

        bool isA = role == PeftTensorRole.A;
        (long count, long rows, long columns) = (tensor.Shape, isA) switch
        {
            ([long all, long inputs], true) when all % config.Rank == 0 => (all / config.Rank, config.Rank, inputs),
            ([long each, long rank, long inputs], true) when rank == config.Rank => (each, rank, inputs),
            ([long each, long outputs, long rank], false) when rank == config.Rank => (each, outputs, rank),
            _ => throw Wrong(file, tensor, config, isA ? $"[experts, {config.Rank}, in]" : $"[experts, out, {config.Rank}]"),
        };
        if (count is 0 or > MlxExperts.Most)
        {
            throw Error(file, tensor, $"is for {count} experts; 1 to {MlxExperts.Most} are read");
        }

        long length = tensor.Length / count;
        return Enumerable.Range(0, (int)count).Select(expert => new MlxTensor(
            new TensorEntry($"{tensor.Name}[{expert}]", tensor.Type, [rows, columns], tensor.Begin + (expert * length), length),
            tensor, new PeftTensorKey(experts.Module(expert), role), false));
    }

    private static FormatError Wrong(string file, TensorEntry tensor, MlxConfig config, string expected) => Error(file, tensor,
        $"has the shape {tensor.ShapeText}; the configuration gives the rank {config.Rank}, so {expected} is expected");

    private static FormatError Error(string file, TensorEntry tensor, string problem) =>
        new(LoadErrorKind.Tensor, file, tensor.Name, problem);
}
