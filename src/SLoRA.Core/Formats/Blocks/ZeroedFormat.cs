using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Formats.Blocks;

/// <summary>
/// What checkpoints of GPTQ, AWQ and others spread over several tensors, laid side by side: 32 codes q of four bits, the code z of zero and
/// a scale s of 16 bits that they share. An element is <c>(q - z) · s</c>. The scale, the zero, 16 bytes: byte i has the codes of elements
/// 2 i and, in its upper half, 2 i + 1.
/// </summary>
/// <param name="scaleType">F16 or BF16.</param>
internal sealed class ZeroedFormat(TensorType scaleType) : BlockFormat($"int4 with {scaleType} scales", Elements, CodesAt + (Elements / 2))
{
    /// <summary>Elements of a block.</summary>
    public const int Elements = 32;

    private const int ZeroAt = 2;
    private const int CodesAt = 3;

    /// <summary>With scales in half precision.</summary>
    public static ZeroedFormat Halves { get; } = new(TensorType.F16);

    /// <summary>With scales in bfloat16.</summary>
    public static ZeroedFormat Brains { get; } = new(TensorType.BF16);

    /// <summary>The format with scales of a type; null if there is none.</summary>
    public static ZeroedFormat? With(TensorType scales) => scales switch
    {
        TensorType.F16 => Halves,
        TensorType.BF16 => Brains,
        _ => null,
    };

    /// <summary>The bits of a block's scale.</summary>
    public static ushort ScaleBits(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt16LittleEndian(block);

    /// <summary>The code of zero.</summary>
    public static byte Zero(ReadOnlySpan<byte> block) => block[ZeroAt];

    /// <summary>Gives the codes of some blocks.</summary>
    /// <param name="blocks">Whole blocks; any alignment.</param>
    /// <param name="codes">As many as they have elements.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadCodes(ReadOnlySpan<byte> blocks, Span<byte> codes)
    {
        const int Bytes = CodesAt + (Elements / 2);
        for (; !codes.IsEmpty; blocks = blocks[Bytes..], codes = codes[Elements..])
        {
            // A byte of two codes as a word: its upper half goes into the word's upper byte.
            (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(Vector128.Create(blocks.Slice(CodesAt, Elements / 2)));
            Vector128<ushort> four = Vector128.Create((ushort)0x0F0F);
            ((lower | (lower << 4)) & four).AsByte().CopyTo(codes);
            ((upper | (upper << 4)) & four).AsByte().CopyTo(codes[(Elements / 2)..]);
        }
    }

    /// <summary>Writes a block.</summary>
    /// <param name="codes">Its codes.</param>
    /// <param name="zero">The code of zero, a whole number from 0 to 255.</param>
    /// <param name="scale">The scale, which the type of scales has exactly.</param>
    /// <param name="block">Where it goes.</param>
    public void Write(ReadOnlySpan<byte> codes, float zero, float scale, Span<byte> block)
    {
        ushort bits = scaleType == TensorType.F16 ? BitConverter.HalfToUInt16Bits((Half)scale) : Formats.Elements.Narrow(scale);
        BinaryPrimitives.WriteUInt16LittleEndian(block, bits);
        block[ZeroAt] = (byte)zero;
        for (int i = 0; i < Elements / 2; i++)
        {
            block[CodesAt + i] = (byte)(codes[2 * i] | (codes[(2 * i) + 1] << 4));
        }
    }

    /// <inheritdoc/>
    protected override bool IsFinite(ReadOnlySpan<byte> block) => float.IsFinite(Scale(block));

    /// <inheritdoc/>
    protected override void WidenBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[Elements];
        ReadCodes(block, codes);
        float scale = Scale(block), zero = Zero(block);
        for (int i = 0; i < Elements; i++)
        {
            values[i] = (codes[i] - zero) * scale;
        }
    }

    private float Scale(ReadOnlySpan<byte> block) => scaleType == TensorType.F16
        ? (float)BitConverter.UInt16BitsToHalf(ScaleBits(block))
        : Formats.Elements.Widen(ScaleBits(block));
}
