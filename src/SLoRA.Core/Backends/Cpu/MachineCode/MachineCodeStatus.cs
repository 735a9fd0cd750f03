namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>What this process computes with machine code of the library's own, for people.</summary>
internal static class MachineCodeStatus
{
    private const string Halves = "half precision (F16C)";
    private const string Words = "products with int8 and packed weights (AVX512_VNNI)";

    /// <summary>What there is, and why not all.</summary>
    public static string Text { get; } = (HalfWidening.Missing, WordProducts.Missing) switch
    {
        (null, null) => $"{Halves}, {Words}",
        (null, { } words) => $"{Halves}; not {Words}: {words}",
        ({ } halves, null) => $"{Words}; not {Halves}: {halves}",
        ({ } halves, { } words) => $"none: {halves}, {words}",
    };
}
