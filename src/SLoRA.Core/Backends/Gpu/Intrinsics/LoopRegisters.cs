using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>What keeps registers of a loop free.</summary>
internal static class LoopRegisters
{
    /// <summary>
    /// The value itself, which the assembler cannot know (an exchange of a lane with itself): what is computed from it is computed there
    /// and then, instead of before the loop and kept in registers all along. All lanes of a warp call it together.
    /// </summary>
    [IntrinsicImplementation]
    public static int Again(int value) => AgainEmulated(value);

    /// <summary>The same.</summary>
    public static int AgainEmulated(int value) => value;

    /// <summary>
    /// The value itself; a loop whose condition reads it is not unrolled, so that a turn's loads do not take the registers of several.
    /// </summary>
    [IntrinsicImplementation]
    public static int Rolled(int value) => RolledEmulated(value);

    /// <summary>The same.</summary>
    public static int RolledEmulated(int value) => value;
}
