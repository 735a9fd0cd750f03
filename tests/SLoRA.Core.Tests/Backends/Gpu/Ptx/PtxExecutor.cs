namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Finds what each instruction of a kernel does; one that no family knows is left, and is a fault when it is reached.</summary>
internal static class PtxExecutor
{
    /// <summary>Prepares a kernel to be run.</summary>
    public static PtxKernel Prepare(PtxKernel kernel)
    {
        foreach (PtxInstruction instruction in kernel.Instructions)
        {
            instruction.Execute = MemoryInstructions.Find(instruction) ?? WarpInstructions.Find(instruction) ?? Lanewise(instruction);
        }

        return kernel;
    }

    /// <summary>What each lane does for itself: a result of up to three operands.</summary>
    private static Action<Warp, uint>? Lanewise(PtxInstruction instruction)
    {
        Func<ulong, ulong, ulong, ulong>? compute = Arithmetic.Find(instruction) ?? Logic.Find(instruction);
        if (compute is null)
        {
            return null;
        }

        PtxOperand[] operands = instruction.Operands;
        return (warp, mask) =>
        {
            foreach (int lane in Warp.Of(mask))
            {
                ulong a = warp.Get(operands[1], lane);
                ulong b = operands.Length > 2 ? warp.Get(operands[2], lane) : 0;
                ulong c = operands.Length > 3 ? warp.Get(operands[3], lane) : 0;
                warp.Set(operands[0], lane, compute(a, b, c));
            }
        };
    }
}
