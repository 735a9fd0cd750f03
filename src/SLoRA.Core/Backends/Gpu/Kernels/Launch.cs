using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Grids of groups of <see cref="KernelLoader.GroupSize"/> threads.</summary>
internal static class Launch
{
    /// <summary>x: rows; y: 128 columns each.</summary>
    public static KernelConfig Elements(int rows, int width) => Groups(rows, Blocks(width));

    /// <summary>So many groups along x, y and z.</summary>
    public static KernelConfig Groups(int x, int y = 1, int z = 1) => new(new Index3D(x, y, z), new Index3D(KernelLoader.GroupSize, 1, 1));

    /// <summary>Groups that give each of <paramref name="elements"/> a thread.</summary>
    public static int Blocks(int elements) => (elements + KernelLoader.GroupSize - 1) / KernelLoader.GroupSize;
}
