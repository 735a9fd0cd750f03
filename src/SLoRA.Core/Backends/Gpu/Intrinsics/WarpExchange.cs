using ILGPU;
using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>What lanes of a warp hand to each other in registers (<c>shfl</c>); all threads of the group call it together.</summary>
internal static class WarpExchange
{
    /// <summary>The number of the lane whose index differs in these bits, a constant.</summary>
    [IntrinsicImplementation]
    public static float OfLane(float value, int apart) => OfLaneEmulated(value, apart);

    /// <summary>The number of a lane of the warp.</summary>
    [IntrinsicImplementation]
    public static float From(float value, int lane) => FromEmulated(value, lane);

    /// <summary>The same through shared memory.</summary>
    public static float FromEmulated(float value, int lane)
    {
        ArrayView<float> values = SharedMemory.Allocate<float>(EmulatedWarp.Threads);
        values[Group.IdxX] = value;
        Group.Barrier();
        float other = values[(Group.IdxX & ~31) + lane];
        Group.Barrier();
        return other;
    }

    /// <summary>The same through shared memory.</summary>
    public static float OfLaneEmulated(float value, int apart)
    {
        ArrayView<float> values = SharedMemory.Allocate<float>(EmulatedWarp.Threads);
        values[Group.IdxX] = value;
        Group.Barrier();
        float other = values[Group.IdxX ^ apart];
        Group.Barrier();
        return other;
    }
}
