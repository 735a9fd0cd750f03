using System.Diagnostics;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// How long launches take: on CUDA between two events of the device, elsewhere on the host's clock from the first launch of a batch until
/// the device is idle. Launches go in batches so long that the device never waits for the host, unless a launch costs the host more than
/// the kernel takes.
/// </summary>
internal sealed class DeviceClock : IDisposable
{
    private const double BatchSeconds = 2e-3;
    private const int LargestBatch = 256;
    private const int LeastSamples = 7;

    private readonly GpuDevice _device;
    private readonly double _seconds;
    private readonly nint _begin;
    private readonly nint _end;

    /// <summary>Makes the events.</summary>
    /// <param name="device">The device.</param>
    /// <param name="seconds">How long each kernel is sampled, at least.</param>
    public DeviceClock(GpuDevice device, double seconds)
    {
        _device = device;
        _seconds = seconds;
        if (HasEvents)
        {
            device.Accelerator.Bind();
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.CreateEvent(out _begin, CudaEventFlags.CU_EVENT_DEFAULT));
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.CreateEvent(out _end, CudaEventFlags.CU_EVENT_DEFAULT));
        }
    }

    /// <summary>Whether the device's own events measure.</summary>
    public bool HasEvents => _device.Accelerator is CudaAccelerator;

    /// <summary>
    /// Seconds of one launch, the median of many batches. The argument of <paramref name="launch"/> counts up from 0, so that it can take
    /// other memory each time.
    /// </summary>
    public double Median(Action<int> launch)
    {
        int next = 0;
        Sample(1, launch, ref next);
        double one = Sample(2, launch, ref next);
        int batch = (int)Math.Clamp(BatchSeconds / Math.Max(one, 1e-7), 1, LargestBatch);
        Sample(batch, launch, ref next);
        var samples = new List<double>();
        long start = Stopwatch.GetTimestamp();
        while (samples.Count < LeastSamples || Stopwatch.GetElapsedTime(start).TotalSeconds < _seconds)
        {
            samples.Add(Sample(batch, launch, ref next));
        }

        samples.Sort();
        return samples[samples.Count / 2];
    }

    public void Dispose()
    {
        if (HasEvents)
        {
            _device.Accelerator.Bind();
            CudaAPI.CurrentAPI.DestroyEvent(_begin);
            CudaAPI.CurrentAPI.DestroyEvent(_end);
        }
    }

    private double Sample(int batch, Action<int> launch, ref int next)
    {
        if (_device.Stream is CudaStream stream)
        {
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.RecordEvent(_begin, stream.StreamPtr));
            Launch(batch, launch, ref next);
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.RecordEvent(_end, stream.StreamPtr));
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.SynchronizeEvent(_end));
            GpuErrors.ThrowIfFailed(CudaAPI.CurrentAPI.ElapsedTime(out float milliseconds, _begin, _end));
            return milliseconds / 1e3 / batch;
        }

        long start = Stopwatch.GetTimestamp();
        Launch(batch, launch, ref next);
        _device.Stream.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / batch;
    }

    private static void Launch(int batch, Action<int> launch, ref int next)
    {
        for (int i = 0; i < batch; i++)
        {
            launch(next++);
        }
    }
}
