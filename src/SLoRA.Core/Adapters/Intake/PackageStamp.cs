using System.Globalization;

namespace SLoRA.Adapters.Intake;

/// <summary>Sizes and times of the two files of an adapter: what can be known of a change without reading.</summary>
internal readonly record struct PackageStamp(long ConfigBytes, DateTime ConfigWritten, long TensorBytes, DateTime TensorsWritten)
{
    /// <summary>The tensor file, for people.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{TensorBytes} bytes of {TensorsWritten:yyyy-MM-dd HH:mm:ss.fff}Z");
}
