using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu.MachineCode;

/// <summary>
/// The product of one row with packed weights in 512 bits, with VPDPBUSD of AVX512_VNNI, and where codes have more than four bits
/// VPMULTISHIFTQB of AVX512_VBMI, which .NET does not expose in this width. Mapped by <see cref="WordProducts"/>.
/// </summary>
/// <remarks>A call takes less than a microsecond, in which no garbage collection can begin.</remarks>
internal sealed unsafe class PackedRowProducts
{
    // In the order of the file.
    private readonly delegate* unmanaged[SuppressGCTransition]<PackedRowArguments*, void>[] _codes;

    /// <summary>Takes the code.</summary>
    /// <param name="code">Where the first entry of <see cref="PackedRowCode"/> is entered.</param>
    public PackedRowProducts(byte* code)
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
    /// <param name="highBits">Bits of a code beyond the fourth.</param>
    /// <param name="groupInputs">Inputs of a group.</param>
    public static bool Takes(int highBits, int groupInputs) =>
        Index(highBits, groupInputs) >= 0 && (highBits == 0 || Avx512Vbmi.IsSupported);

    /// <summary>Multiplies some groups of a panel.</summary>
    /// <param name="arguments">Weights, row, and where the sums are.</param>
    /// <param name="highBits">Bits of a code beyond the fourth.</param>
    /// <param name="groupInputs">Inputs of a group.</param>
    /// <param name="isNarrow">Whether activations have one byte, not two.</param>
    public void Multiply(in PackedRowArguments arguments, int highBits, int groupInputs, bool isNarrow)
    {
        fixed (PackedRowArguments* pointer = &arguments)
        {
            _codes[(2 * Index(highBits, groupInputs)) + (isNarrow ? 0 : 1)](pointer);
        }
    }

    private static int Index(int highBits, int groupInputs) => (highBits, groupInputs) switch
    {
        (0, 32) => 0,
        (0, 16) => 1,
        (1, 32) => 2,
        (2, 16) => 3,
        _ => -1,
    };
}
