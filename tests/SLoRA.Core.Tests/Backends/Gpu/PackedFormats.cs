using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The formats that the Gpu backend lays out anew, by name.</summary>
internal static class PackedFormats
{
    private static readonly Dictionary<string, WeightFormat> _formats = RandomBlocks.Packed.Where(format => format != BlockFormats.Q2K)
        .Append<WeightFormat>(WeightFormat.Q8_0).ToDictionary(format => format.Name);

    /// <summary>All of them.</summary>
    public static IEnumerable<string> All => _formats.Keys;

    /// <summary>The format of a name.</summary>
    public static WeightFormat Of(string name) => _formats[name];
}
