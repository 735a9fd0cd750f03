using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Reductions over the 128 threads of a group, as one tree of fixed shape. All threads of the group call them together.</summary>
internal static class RowReduction
{
    /// <summary>The sum of every thread's value, in every thread.</summary>
    public static float Sum(ArrayView<float> shared, float value)
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLoader.GroupSize >> 1; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        float sum = shared[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>The largest of every thread's value, in every thread.</summary>
    public static float Max(ArrayView<float> shared, float value)
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLoader.GroupSize >> 1; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                shared[thread] = MathF.Max(shared[thread], shared[thread + half]);
            }

            Group.Barrier();
        }

        float max = shared[0];
        Group.Barrier();
        return max;
    }

    /// <summary>The sum of every thread's value, in every thread.</summary>
    public static int Sum(ArrayView<int> shared, int value)
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLoader.GroupSize >> 1; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        int sum = shared[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>The smallest of every thread's value, in every thread.</summary>
    public static int Min(ArrayView<int> shared, int value)
    {
        int thread = Group.IdxX;
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLoader.GroupSize >> 1; half > 0; half >>= 1)
        {
            if (thread < half && shared[thread + half] < shared[thread])
            {
                shared[thread] = shared[thread + half];
            }

            Group.Barrier();
        }

        int min = shared[0];
        Group.Barrier();
        return min;
    }
}
