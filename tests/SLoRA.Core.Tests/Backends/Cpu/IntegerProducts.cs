using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The products of integers in a way of the test's choice: the width of vectors, or one of those here.</summary>
internal static class IntegerProducts
{
    /// <summary>512 bits by machine code.</summary>
    public const int MachineCode = 0;

    /// <summary>Bytes in C#.</summary>
    public const int Bytes = 1;

    /// <summary>Bytes by machine code.</summary>
    public const int ByteCode = 2;

    /// <summary>The ways that this process has.</summary>
    /// <param name="isNarrow">Whether activations have 8 bits.</param>
    public static IEnumerable<int> Ways(bool isNarrow)
    {
        int[] widths = ScalarSum.IsFused ? [128, 256, 512] : [128];
        IEnumerable<int> code = WordProducts.Process is null ? [] : isNarrow ? [MachineCode, ByteCode] : [MachineCode];
        return [.. widths, .. code, .. ByteDot.IsSupported && isNarrow ? (int[])[Bytes] : []];
    }

    public static void Multiply<T>(int way, in PanelBlock block)
        where T : struct, IInt8Groups
    {
        switch (way)
        {
            case MachineCode:
                WordProduct512.Multiply<T>(block, WordProducts.Process!);
                break;
            case Bytes:
                ByteProduct<T>.Multiply<Int8BytePanel<T>>(block, null);
                break;
            case ByteCode:
                ByteProduct<T>.Multiply<Int8BytePanel<T>>(block, WordProducts.Process!.Bytes);
                break;
            case 512:
                Int8Product512.Multiply<T>(block);
                break;
            case 256:
                Int8Product256.Multiply<T>(block);
                break;
            default:
                Int8Product128.Multiply<T>(block);
                break;
        }
    }
}
