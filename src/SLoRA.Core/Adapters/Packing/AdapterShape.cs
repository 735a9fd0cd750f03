using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Step;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// What adapters with the same modules, ranks, scales and types have in common, held once for all of them: the report of their modules and
/// where their tiles lie. Thread-safe.
/// </summary>
internal sealed class AdapterShape
{
    private readonly Func<AdapterParts, TileDirectory> _plan;
    private readonly WeakReference<TileDirectory> _directory;

    /// <summary>Plans the pages of a shape.</summary>
    /// <param name="parts">What one of the adapters does.</param>
    /// <param name="pageBytes">Bytes of a page.</param>
    /// <param name="plan">Lays it out in pages.</param>
    public AdapterShape(AdapterParts parts, long pageBytes, Func<AdapterParts, TileDirectory> plan)
    {
        _plan = plan;
        TileDirectory directory = plan(parts);
        _directory = new WeakReference<TileDirectory>(directory);
        PageCount = directory.PageCount;
        Mixing = directory.Mixing;
        AddedTokens = parts.AddedTokens;
        ImageBytes = PageImage.BytesOf(directory, pageBytes);
        Modules = [.. parts.Modules.Select(module => new AdapterModuleCoverage(module.Target.Name, module.Rank, module.Scale))];
    }

    /// <summary>Pages of an adapter.</summary>
    public int PageCount { get; }

    /// <summary>Bytes of an adapter in the host store.</summary>
    public long ImageBytes { get; }

    /// <summary>The modules as users see them.</summary>
    public ImmutableArray<AdapterModuleCoverage> Modules { get; }

    /// <summary>How the adapters go together with others in one request.</summary>
    public AdapterMixing Mixing { get; }

    /// <summary>Tokens that the adapters have beyond those of the model.</summary>
    public int AddedTokens { get; }

    /// <summary>Where the tiles lie. Only generations keep it: a shape that is registered and never used holds no directory.</summary>
    /// <param name="parts">What an adapter of this shape does.</param>
    public TileDirectory DirectoryOf(AdapterParts parts)
    {
        lock (_directory)
        {
            if (!_directory.TryGetTarget(out TileDirectory? directory))
            {
                directory = _plan(parts);
                _directory.SetTarget(directory);
            }

            return directory;
        }
    }
}
