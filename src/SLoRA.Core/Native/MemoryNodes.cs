using System.Collections.Immutable;
using System.Globalization;

namespace SLoRA.Native;

/// <summary>
/// The processors beside each part of main memory (NUMA node), as Linux says: from another node's memory a processor reads more slowly.
/// </summary>
internal static class MemoryNodes
{
    /// <summary>Where Linux says so.</summary>
    public const string SystemFolder = "/sys/devices/system/node";

    /// <summary>
    /// The processors of each node that this thread may run on, nodes without any left out; nothing where the system does not say.
    /// </summary>
    /// <param name="folder">The folder with a folder <c>nodeN</c> for each node, whose file <c>cpulist</c> lists processors.</param>
    /// <param name="allowed">The processors that may be used; null for all.</param>
    public static ImmutableArray<ImmutableArray<int>> Read(string folder, IReadOnlySet<int>? allowed)
    {
        var nodes = new SortedDictionary<int, ImmutableArray<int>>();
        try
        {
            foreach (string node in Directory.GetDirectories(folder, "node*"))
            {
                if (int.TryParse(Path.GetFileName(node).AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                    && Parse(File.ReadAllText(Path.Combine(node, "cpulist"))) is { } processors)
                {
                    ImmutableArray<int> usable = [.. processors.Where(processor => allowed?.Contains(processor) ?? true)];
                    if (!usable.IsEmpty)
                    {
                        nodes[number] = usable;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Placing threads is a favour: without it all runs where the system puts it.
            return [];
        }

        return [.. nodes.Values];
    }

    /// <summary>The numbers of a list such as <c>0-3,8,10-11</c>; null if it is none.</summary>
    public static ImmutableArray<int>? Parse(string list)
    {
        var numbers = ImmutableArray.CreateBuilder<int>();
        foreach (string part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryParse(ends[0], out int first) || !TryParse(ends[^1], out int last) || last < first)
            {
                return null;
            }

            for (int number = first; number <= last; number++)
            {
                numbers.Add(number);
            }
        }

        return numbers.ToImmutable();
    }

    private static bool TryParse(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < ThreadAffinity.Processors;
}
