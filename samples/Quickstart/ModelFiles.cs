using Samples;
using SLoRA;

namespace Quickstart;

/// <summary>A base model's folder and the folders of its adapters, by name.</summary>
internal sealed record ModelFiles(string Model, IReadOnlyList<(string Name, string Folder)> Adapters)
{
    /// <summary>The name that stands for the model without an adapter.</summary>
    public const string Base = "base";

    /// <summary>What is asked when nothing else is said.</summary>
    public string? DefaultQuestion { get; private init; }

    /// <summary>How the matrices of the base are kept in memory.</summary>
    public CpuWeights Weights { get; init; }

    /// <summary>Bytes of the page pool.</summary>
    public long PoolBytes { get; private init; } = 1L << 30;

    /// <summary>The demo model of the repository with its eight tenants.</summary>
    public static ModelFiles Demo()
    {
        string demo = DemoFolder.Find(", or name --model DIR");
        IEnumerable<string> adapters = Directory.GetDirectories(Path.Combine(demo, "adapters")).Order(StringComparer.Ordinal);
        return new ModelFiles(Path.Combine(demo, "model"), [.. adapters.Select(folder => (Path.GetFileName(folder), folder))])
        {
            DefaultQuestion = "When are you open?",
            PoolBytes = 64L << 20,
        };
    }

    /// <summary>The user's own files.</summary>
    /// <param name="model">The model's folder.</param>
    /// <param name="adapters">One NAME=DIR each.</param>
    /// <exception cref="UsageException">Something else stands where a folder is expected.</exception>
    public static ModelFiles Of(string model, IReadOnlyList<string> adapters)
    {
        FolderArgument.CheckModel(model);
        return new ModelFiles(model, FolderArgument.ReadAdapters(adapters, taken: Base));
    }

    /// <summary>The adapter of a tenant; null for the base.</summary>
    public string? AdapterOf(string tenant)
    {
        if (tenant != Base && Adapters.All(adapter => adapter.Name != tenant))
        {
            string known = string.Join(", ", Adapters.Select(adapter => adapter.Name).Prepend(Base));
            throw new UsageException($"There is no tenant '{tenant}'; there are {known}.");
        }

        return tenant == Base ? null : tenant;
    }
}
