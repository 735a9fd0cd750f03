using ILGPU;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Reference;

namespace SLoRA.Gpu.Bench;

/// <summary>Activations as arrays, on either backend.</summary>
internal static unsafe class DeviceRowsAccess
{
    /// <summary>Reads the first rows.</summary>
    public static float[] Read(this DeviceRows rows, GpuDevice device, int count)
    {
        var values = new float[count * rows.Width];
        if (rows is ReferenceRows reference)
        {
            for (int row = 0; row < count; row++)
            {
                reference.Values[row].CopyTo(values, row * rows.Width);
            }

            return values;
        }

        using var staging = new HostBuffer(device, Math.Max(1, values.Length) * sizeof(float));
        DeviceCopies.Download(device.Stream, Bytes(rows, values.Length), staging.Address);
        device.Stream.Synchronize();
        staging.Span<float>(0, values.Length).CopyTo(values);
        return values;
    }

    /// <summary>Writes the first rows.</summary>
    public static void Write(this DeviceRows rows, GpuDevice device, ReadOnlySpan<float> values)
    {
        if (rows is ReferenceRows reference)
        {
            for (int row = 0; row < values.Length / rows.Width; row++)
            {
                values.Slice(row * rows.Width, rows.Width).CopyTo(reference.Values[row]);
            }

            return;
        }

        using var staging = new HostBuffer(device, Math.Max(1, values.Length) * sizeof(float));
        values.CopyTo(staging.Span<float>(0, values.Length));
        DeviceCopies.Upload(device.Stream, staging.Address, Bytes(rows, values.Length));
        device.Stream.Synchronize();
    }

    private static ArrayView<byte> Bytes(DeviceRows rows, int elements) =>
        ((GpuRows)rows).Values.Cast<byte>().SubView(0, (long)elements * sizeof(float));
}
