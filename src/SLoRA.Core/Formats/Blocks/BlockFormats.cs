namespace SLoRA.Formats.Blocks;

/// <summary>The block formats that GGUF files may store weights in, beside <see cref="WeightFormat.Q8_0"/>: one object for each.</summary>
internal static class BlockFormats
{
    /// <summary>4 bits and a scale for 32 elements.</summary>
    public static NibbleFormat Q4_0 { get; } = new(4, hasMinimum: false);

    /// <summary>4 bits, a scale and a minimum for 32 elements.</summary>
    public static NibbleFormat Q4_1 { get; } = new(4, hasMinimum: true);

    /// <summary>5 bits and a scale for 32 elements.</summary>
    public static NibbleFormat Q5_0 { get; } = new(5, hasMinimum: false);

    /// <summary>5 bits, a scale and a minimum for 32 elements.</summary>
    public static NibbleFormat Q5_1 { get; } = new(5, hasMinimum: true);

    /// <summary>2 bits in blocks of 256.</summary>
    public static Q2KFormat Q2K { get; } = new();

    /// <summary>3 bits in blocks of 256.</summary>
    public static Q3KFormat Q3K { get; } = new();

    /// <summary>4 bits in blocks of 256.</summary>
    public static Q4KFormat Q4K { get; } = new();

    /// <summary>5 bits in blocks of 256.</summary>
    public static Q5KFormat Q5K { get; } = new();

    /// <summary>6 bits in blocks of 256.</summary>
    public static Q6KFormat Q6K { get; } = new();

    /// <summary>4 bits for one of sixteen values, 32 elements.</summary>
    public static Iq4NlFormat Iq4Nl { get; } = new();

    /// <summary>4 bits for one of sixteen values, 256 elements.</summary>
    public static Iq4XsFormat Iq4Xs { get; } = new();

    /// <summary>Rows of eight out of a code book, with a word of 16 bits for 32 elements.</summary>
    public static Iq1SFormat Iq1S { get; } = new();

    /// <summary>Rows of eight out of a code book, with scales for 16 elements.</summary>
    public static Iq1MFormat Iq1M { get; } = new();

    /// <summary>Rows of eight out of a code book of 256.</summary>
    public static Iq2XxsFormat Iq2Xxs { get; } = new();

    /// <summary>Rows of eight out of a code book of 512.</summary>
    public static Iq2XsFormat Iq2Xs { get; } = new();

    /// <summary>Rows of eight out of a code book of 1024.</summary>
    public static Iq2SFormat Iq2S { get; } = new();

    /// <summary>Rows of four out of a code book of 256.</summary>
    public static Iq3XxsFormat Iq3Xxs { get; } = new();

    /// <summary>Rows of four out of a code book of 512.</summary>
    public static Iq3SFormat Iq3S { get; } = new();

    /// <summary>Three values, five to a byte.</summary>
    public static Tq1Format Tq1 { get; } = new();

    /// <summary>Three values, four to a byte.</summary>
    public static Tq2Format Tq2 { get; } = new();

    /// <summary>Floating-point numbers of 4 bits, a power of two for 32 of them.</summary>
    public static Mxfp4Format Mxfp4 { get; } = new();

    /// <summary>Floating-point numbers of 4 bits, a number of 8 bits for 16 of them.</summary>
    public static Nvfp4Format Nvfp4 { get; } = new();
}
