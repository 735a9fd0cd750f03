using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>The last cache before memory: what fits into it is not read from memory the second time.</summary>
internal static class LargestCache
{
    private const string Folder = "/sys/devices/system/cpu/cpu0/cache";

    /// <summary>Its bytes, where Linux tells; else 0.</summary>
    public static long Bytes { get; } = Directory.Exists(Folder)
        ? Directory.GetDirectories(Folder, "index*").Select(index => Size(Path.Combine(index, "size"))).DefaultIfEmpty().Max()
        : 0;

    /// <summary>Such as 32768K.</summary>
    private static long Size(string file)
    {
        string text = File.Exists(file) ? File.ReadAllText(file).Trim() : "";
        int unit = text.EndsWith('K') ? 10 : text.EndsWith('M') ? 20 : 0;
        return long.TryParse(text.TrimEnd('K', 'M'), NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count << unit : 0;
    }
}
