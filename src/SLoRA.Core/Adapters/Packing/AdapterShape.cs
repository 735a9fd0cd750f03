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
    private readonly Func<ImmutableArray<AdapterModule>, TileDirectory> _plan;
    private readonly WeakReference<TileDirectory> _directory;

    /// <summary>Plans the pages of a shape.</summary>
    /// <param name="modules">The modules of one of the adapters.</param>
    /// <param name="pageBytes">Bytes of a page.</param>
    /// <param name="plan">Lays modules out in pages.</param>
    public AdapterShape(ImmutableArray<AdapterModule> modules, long pageBytes, Func<ImmutableArray<AdapterModule>, TileDirectory> plan)
    {
        _plan = plan;
        TileDirectory directory = plan(modules);
        _directory = new WeakReference<TileDirectory>(directory);
        PageCount = directory.PageCount;
        ImageBytes = PageImage.BytesOf(directory, pageBytes);
        Modules = [.. modules.Select(module => new AdapterModuleCoverage(module.Target.Name, module.Rank, module.Scale))];
    }

    /// <summary>Pages of an adapter.</summary>
    public int PageCount { get; }

    /// <summary>Bytes of an adapter in the host store.</summary>
    public long ImageBytes { get; }

    /// <summary>The modules as users see them.</summary>
    public ImmutableArray<AdapterModuleCoverage> Modules { get; }

    /// <summary>Where the tiles lie. Only generations keep it: a shape that is registered and never used holds no directory.</summary>
    /// <param name="modules">The modules of an adapter of this shape.</param>
    public TileDirectory DirectoryOf(ImmutableArray<AdapterModule> modules)
    {
        lock (_directory)
        {
            if (!_directory.TryGetTarget(out TileDirectory? directory))
            {
                directory = _plan(modules);
                _directory.SetTarget(directory);
            }

            return directory;
        }
    }
}
