using System.Globalization;
using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// An adapter is to be registered, preloaded or pinned that needs more pages than the pool can give it beside what is pinned and what
/// waiting requests need. Nothing has changed.
/// </summary>
public sealed class AdapterTooLargeException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>adapter.too-large</c>.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="pages">Pages that its weights take.</param>
    /// <param name="pinnedPages">Pages of other adapters that are pinned.</param>
    /// <param name="neededPages">Pages that must be left for requests.</param>
    /// <param name="totalPages">Pages of the pool.</param>
    public AdapterTooLargeException(string adapter, int pages, int pinnedPages, int neededPages, int totalPages)
        : base(
            "adapter.too-large", ErrorCategory.Caller,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Adapter {Shown.Name(adapter)} needs {pages} pages; the pool has {totalPages}, of which {pinnedPages} are pinned and "
                + $"requests need {neededPages}."))
    {
        Adapter = adapter;
        Pages = pages;
        PinnedPages = pinnedPages;
        NeededPages = neededPages;
        TotalPages = totalPages;
    }

    /// <summary>The adapter.</summary>
    public string Adapter { get; }

    /// <summary>Pages that its weights take.</summary>
    public int Pages { get; }

    /// <summary>Pages of other adapters that are pinned.</summary>
    public int PinnedPages { get; }

    /// <summary>Pages that must be left for requests.</summary>
    public int NeededPages { get; }

    /// <summary>Pages of the pool.</summary>
    public int TotalPages { get; }

    internal override SLoraException Repeat() => new AdapterTooLargeException(Adapter, Pages, PinnedPages, NeededPages, TotalPages);
}
