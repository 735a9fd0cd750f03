using System.CommandLine;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Bench;

/// <summary>The base weights of a measurement.</summary>
/// <param name="Name">How the command line calls them.</param>
/// <param name="Stored">Type in the checkpoint.</param>
/// <param name="Kept">How the backend keeps them.</param>
/// <param name="Bytes">Bytes per weight that a product reads.</param>
internal sealed record BaseWeights(string Name, TensorType Stored, CpuWeights Kept, double Bytes)
{
    /// <summary>bf16 as stored.</summary>
    public static BaseWeights BF16 { get; } = new("bf16", TensorType.BF16, CpuWeights.AsStored, 2);

    /// <summary>int8, quantized from bf16: a byte, and 4 bytes of scale per 64 weights.</summary>
    public static BaseWeights Int8 { get; } = new("int8", TensorType.BF16, CpuWeights.Int8, 1 + (4 / 64.0));

    /// <summary>int4, quantized from bf16: half a byte, and 2 bytes of scale per 32 weights; a bit more where they have five.</summary>
    public static BaseWeights Int4 { get; } = new("int4", TensorType.BF16, CpuWeights.Int4, 0.5 + (2 / 32.0));

    /// <summary>A GGUF file as people have it: of one type with four bits, or the mixture Q4_K_M.</summary>
    public static BaseWeights Gguf(string mixture) =>
        new(mixture, TensorType.F16, CpuWeights.AsStored, 0) { File = GgufMixture.Find(mixture) };

    /// <summary>The types of the GGUF file that they come from; null for a folder of Hugging Face.</summary>
    public GgufMixture? File { get; init; }

    /// <summary>The block format that matrices have in memory, without a file; null for the type of <see cref="Stored"/>.</summary>
    public WeightFormat? Blocks { get; init; }

    /// <summary>Whether products multiply integers.</summary>
    public bool IsQuantized => Kept != CpuWeights.AsStored || File is not null || Blocks is not null;

    /// <summary>How products are computed.</summary>
    public CpuPrecision Precision { get; init; }

    /// <summary>What keys and values are kept as beside them.</summary>
    public CacheType Cache { get; init; }

    /// <summary>All of them.</summary>
    public static BaseWeights[] All { get; } =
    [
        BF16, new("f16", TensorType.F16, CpuWeights.AsStored, 2), new("f32", TensorType.F32, CpuWeights.AsStored, 4), Int8, Int4,
        Int8 with { Name = "int8-fast", Precision = CpuPrecision.Fast },
        Int4 with { Name = "int4-fast", Precision = CpuPrecision.Fast },
    ];

    /// <summary>All matrices in one format of blocks, with activations of 16 bits and of 8.</summary>
    public static BaseWeights[] InBlocks { get; } =
    [
        .. from weights in (BaseWeights[])[
            Of("q4_0", BlockFormats.Q4_0, 0.5 + (2 / 32.0)), Of("q5_0", BlockFormats.Q5_0, 0.625 + (2 / 32.0)),
            Of("q8_0", WeightFormat.Q8_0, 1 + (4 / 32.0)), Of("q4_k", BlockFormats.Q4K, 0.5 + (2 / 32.0) + (4 / 256.0)),
            Of("q6_k", BlockFormats.Q6K, 0.75 + (1 / 16.0) + (2 / 256.0))]
        from precision in (CpuPrecision[])[CpuPrecision.Automatic, CpuPrecision.Fast]
        select weights.With(precision),
    ];

    /// <summary>Those of a name.</summary>
    public static BaseWeights Find(string name) => All.Concat(InBlocks).First(weights => weights.Name == name);

    /// <summary>The same beside keys and values of another type.</summary>
    public BaseWeights With(CacheType cache) =>
        cache == CacheType.Weights ? this : this with { Name = $"{Name}, keys and values {cache}", Cache = cache };

    /// <summary>The same, computed as a precision says.</summary>
    public BaseWeights With(CpuPrecision precision) =>
        precision == CpuPrecision.Fast && IsQuantized ? this with { Name = $"{Name}-fast", Precision = precision } : this;

    /// <summary>The option that chooses what keys and values are kept as.</summary>
    public static Option<CacheType> CacheOption() => new("--cache") { Description = "What keys and values are kept as." };

    /// <summary>The argument that chooses them.</summary>
    /// <param name="asStored">Leaves those out that the backend quantizes.</param>
    /// <param name="inBlocks">Takes those of <see cref="InBlocks"/> as well.</param>
    public static Argument<string> Argument(bool asStored = false, bool inBlocks = false)
    {
        var argument = new Argument<string>("weights") { Description = "The base weights.", DefaultValueFactory = _ => BF16.Name };
        argument.AcceptOnlyFromAmong(
        [
            .. All.Where(weights => !asStored || weights.Kept == CpuWeights.AsStored).Concat(inBlocks ? InBlocks : [])
                .Select(weights => weights.Name),
        ]);
        return argument;
    }

    private static BaseWeights Of(string name, WeightFormat blocks, double bytes) =>
        new(name, TensorType.F16, CpuWeights.AsStored, bytes) { Blocks = blocks };
}
