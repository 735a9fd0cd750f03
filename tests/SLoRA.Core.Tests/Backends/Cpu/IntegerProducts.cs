using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The products of integers at a width of the test's choice.</summary>
internal static class IntegerProducts
{
    /// <summary>In place of a width: 512 bits by machine code.</summary>
    public const int MachineCode = 0;

    public static void Multiply<T>(int width, in PanelBlock block)
        where T : struct, IInt8Groups
    {
        switch (width)
        {
            case MachineCode:
                WordProduct512.Multiply<T>(block, WordProducts.Process!);
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
