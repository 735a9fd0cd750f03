using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// The choices of rows as one of several shards counts them, which has some of the experts: e becomes e − first, so that others are
/// negative or beyond its last. No routed row stands for those, and no choice for routed rows that there are not.
/// </summary>
internal static class OwnChoiceKernel
{
    /// <summary>A thread per choice.</summary>
    [Kernel]
    public static void Run(ArrayView<int> experts, ArrayView<int> choiceOf, ArrayView<int> rowOf, int choices, int first)
    {
        int choice = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (choice < choices)
        {
            experts[choice] = experts[choice] - first;
            choiceOf[choice] = 0;
            rowOf[choice] = -1;
        }
    }
}
