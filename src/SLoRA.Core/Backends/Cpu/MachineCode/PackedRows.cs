using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// The product of one row with packed weights in 512 bits, with VPDPBUSD of AVX512_VNNI, and where codes have more than four bits
/// VPMULTISHIFTQB of AVX512_VBMI, which .NET does not expose in this width. Mapped by <see cref="WordProducts"/>.
/// </summary>
/// <remarks>A call takes less than a microsecond, in which no garbage collection can begin.</remarks>
internal sealed unsafe class PackedRows
{
    // In the order of the file.
    private readonly delegate* unmanaged[SuppressGCTransition]<PackedRowArguments*, void>[] _codes;

    /// <summary>Takes the code.</summary>
    /// <param name="code">Where the first entry of <see cref="PackedRowCode"/> is entered.</param>
    public PackedRows(byte* code)
    {
        ReadOnlySpan<int> lengths =
        [
            PackedRowCode.Codes4Activations8Groups32.Length, PackedRowCode.Codes4Activations16Groups32.Length,
            PackedRowCode.Codes4Activations8Groups16.Length, PackedRowCode.Codes4Activations16Groups16.Length,
            PackedRowCode.Codes5Activations8Groups32.Length, PackedRowCode.Codes5Activations16Groups32.Length,
            PackedRowCode.Codes6Activations8Groups16.Length, PackedRowCode.Codes6Activations16Groups16.Length,
        ];
        _codes = new delegate* unmanaged[SuppressGCTransition]<PackedRowArguments*, void>[lengths.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            _codes[i] = (delegate* unmanaged[SuppressGCTransition]<PackedRowArguments*, void>)code;
            code += lengths[i];
        }
    }

    /// <summary>All entries, one behind the other.</summary>
    public static byte[] Code =>
    [
        .. PackedRowCode.Codes4Activations8Groups32, .. PackedRowCode.Codes4Activations16Groups32,
        .. PackedRowCode.Codes4Activations8Groups16, .. PackedRowCode.Codes4Activations16Groups16,
        .. PackedRowCode.Codes5Activations8Groups32, .. PackedRowCode.Codes5Activations16Groups32,
        .. PackedRowCode.Codes6Activations8Groups16, .. PackedRowCode.Codes6Activations16Groups16,
    ];

    /// <summary>Whether there is code for a kind of weights on this processor.</summary>
    public static bool Takes<TCodes, T>()
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
        => Index<TCodes, T>() >= 0 && (TCodes.HighBits == 0 || Avx512Vbmi.IsSupported);

    /// <summary>Multiplies some groups of a panel.</summary>
    /// <param name="arguments">Weights, row, and where the sums are.</param>
    /// <param name="isNarrow">Whether activations have one byte, not two.</param>
    public void Multiply<TCodes, T>(in PackedRowArguments arguments, bool isNarrow)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
    {
        fixed (PackedRowArguments* pointer = &arguments)
        {
            _codes[(2 * Index<TCodes, T>()) + (isNarrow ? 0 : 1)](pointer);
        }
    }

    private static int Index<TCodes, T>()
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
        => (TCodes.HighBits, T.Pairs) switch
        {
            (0, 16) => 0,
            (0, 8) => 1,
            (1, 16) => 2,
            (2, 8) => 3,
            _ => -1,
        };
}
