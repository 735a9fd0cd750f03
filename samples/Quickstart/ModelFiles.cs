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
        var named = new List<(string Name, string Folder)>();
        foreach (string adapter in adapters)
        {
            string[] parts = adapter.Split('=', 2);
            if (parts is not [{ Length: > 0 } name, { Length: > 0 } folder])
            {
                throw new UsageException($"--adapter is '{adapter}'; it must be NAME=DIR.");
            }

            if (name == Base || named.Any(other => other.Name == name))
            {
                throw new UsageException($"--adapter names '{name}', which is taken; choose another name.");
            }

            FolderArgument.CheckAdapter(name, folder);
            named.Add((name, folder));
        }

        return new ModelFiles(model, named);
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
