namespace SLoRA;

/// <summary>A GPU device cannot be used, or failed.</summary>
public sealed class GpuException : SLoraException
{
    /// <summary>
    /// Creates the error; its <see cref="SLoraException.Code"/> is <c>gpu.</c> and the reason in small letters, such as
    /// <c>gpu.out-of-memory</c>.
    /// </summary>
    /// <param name="reason">What is wrong.</param>
    /// <param name="message">One sentence that names device and values.</param>
    /// <param name="innerException">The driver's error, if there was one.</param>
    public GpuException(GpuError reason, string message, Exception? innerException = null)
        : base(CodeOf(reason), ErrorCategory.Server, message, innerException)
    {
        Reason = reason;
    }

    /// <summary>What is wrong.</summary>
    public GpuError Reason { get; }

    private static string CodeOf(GpuError reason) => reason switch
    {
        GpuError.NoDriver => "gpu.no-driver",
        GpuError.NoDevice => "gpu.no-device",
        GpuError.DriverTooOld => "gpu.driver-too-old",
        GpuError.Unsupported => "gpu.unsupported",
        GpuError.OutOfMemory => "gpu.out-of-memory",
        GpuError.KernelRejected => "gpu.kernel-rejected",
        GpuError.DeviceFailed => "gpu.device-failed",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "No such reason."),
    };
}

/// <summary>Reasons of a <see cref="GpuException"/>.</summary>
public enum GpuError
{
    /// <summary>The driver's library is not installed.</summary>
    NoDriver,

    /// <summary>The driver has no device, or fewer than asked for.</summary>
    NoDevice,

    /// <summary>The driver or device is older than the kernels need.</summary>
    DriverTooOld,

    /// <summary>The device or an optional library cannot do what was asked for.</summary>
    Unsupported,

    /// <summary>The device cannot hold weights, pool and activations.</summary>
    OutOfMemory,

    /// <summary>The driver does not accept a kernel.</summary>
    KernelRejected,

    /// <summary>A copy or a kernel failed while the device was in use; the engine that used it has ended.</summary>
    DeviceFailed,
}
