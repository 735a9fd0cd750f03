namespace SLoRA;

/// <summary>The Gpu backend: an NVIDIA device through CUDA, or any OpenCL device that ILGPU accepts.</summary>
public sealed class GpuOptions
{
    /// <summary>Through which driver. The default takes the first CUDA device, or the first OpenCL device where there is none.</summary>
    public GpuDriver Driver { get; set; }

    /// <summary>Which of the driver's devices, from 0, in the driver's order.</summary>
    public int Device { get; set; }

    /// <summary>
    /// Devices of the driver that share the model, each with its own part of the weights, the cache and the adapters: 2, 4 or 8 different
    /// ones, or none, the default, for <see cref="Device"/> alone. With <see cref="GpuProducts.Exact"/> results have the same bits for any
    /// number of several, and for one too unless its bfloat16 products run on tensor cores, where last bits differ. A number that does not
    /// divide the model's heads or experts is refused when the engine is built. Their order is that of the parts.
    /// </summary>
    public IReadOnlyList<int> Devices { get; set; } = [];

    /// <summary>Who computes the products with the base weights.</summary>
    public GpuProducts Products { get; set; }

    /// <summary>How several <see cref="Devices"/> send each other what they have computed. It changes no bit of a result.</summary>
    public GpuExchange Exchange { get; set; }

    /// <summary>
    /// Whether steps in which every sequence has one row are CUDA graphs: one launch instead of hundreds. True by default. It changes no
    /// bit of a result; without effect where there are none: on OpenCL, on drivers older than CUDA 11.4, on several <see cref="Devices"/>,
    /// with <see cref="GpuProducts.CuBlas"/>, and for steps with prompts or with adapters that do more to a row than one product of low
    /// rank.
    /// </summary>
    public bool Graphs { get; set; } = true;

    /// <summary>The options as they stand now.</summary>
    internal GpuOptions Copy()
    {
        var copy = (GpuOptions)MemberwiseClone();
        copy.Devices = Devices is null ? [] : [.. Devices];
        return copy;
    }
}

/// <summary>Drivers of GPU devices.</summary>
public enum GpuDriver
{
    /// <summary>CUDA if it has a device, else OpenCL.</summary>
    Any,

    /// <summary>NVIDIA's driver.</summary>
    Cuda,

    /// <summary>An OpenCL driver.</summary>
    OpenCL,
}

/// <summary>Who computes the products with the base weights on the Gpu backend.</summary>
public enum GpuProducts
{
    /// <summary>
    /// Our own kernels: fp32 activations, one order of summation, so a request's tokens are the same alone and in any mix.
    /// </summary>
    Exact,

    /// <summary>
    /// cuBLAS (CUDA only; its library must be found). Activations are rounded to the weights' 16-bit type, and the order of summation may
    /// depend on how many rows share the step.
    /// </summary>
    CuBlas,
}

/// <summary>How several devices of the Gpu backend send each other what they have computed.</summary>
public enum GpuExchange
{
    /// <summary>
    /// The driver copies from device to device where it allows that, and through page-locked main memory where it does not.
    /// </summary>
    Copies,

    /// <summary>
    /// NVIDIA's NCCL sends and receives (CUDA only; its library, 2.7 or later, must be found). Sums are still our own, in our order.
    /// </summary>
    Nccl,
}
