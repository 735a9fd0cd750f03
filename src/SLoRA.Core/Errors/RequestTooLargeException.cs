using System.Globalization;

namespace SLoRA;

/// <summary>
/// A request needs more pages than the whole pool has, so it could never run. It is refused at once; smaller requests go on.
/// </summary>
public sealed class RequestTooLargeException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.too-large</c>.</summary>
    /// <param name="cachePages">Pages for what is kept of its sequences: keys and values of prompt and answer, and states where the
    /// model has any.</param>
    /// <param name="adapterPages">Pages for the weights of the request's adapters.</param>
    /// <param name="totalPages">Pages of the pool.</param>
    public RequestTooLargeException(int cachePages, int adapterPages, int totalPages)
        : this(cachePages, adapterPages, 0, totalPages)
    {
    }

    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>request.too-large</c>.</summary>
    /// <param name="cachePages">Pages for what is kept of its sequences: keys and values of prompt and answer, and states where the
    /// model has any.</param>
    /// <param name="adapterPages">Pages for the weights of the request's adapters.</param>
    /// <param name="pinnedPages">Pages of other adapters, which are pinned.</param>
    /// <param name="totalPages">Pages of the pool.</param>
    public RequestTooLargeException(int cachePages, int adapterPages, int pinnedPages, int totalPages)
        : base(
            "request.too-large", ErrorCategory.Caller,
            string.Create(
                CultureInfo.InvariantCulture,
                $"The request needs {cachePages} pages for its sequences and {adapterPages} for its adapters; the pool has "
                + $"{totalPages}{(pinnedPages == 0 ? "" : $", of which {pinnedPages} are pinned")}."))
    {
        CachePages = cachePages;
        AdapterPages = adapterPages;
        PinnedPages = pinnedPages;
        TotalPages = totalPages;
    }

    /// <summary>
    /// Pages for what is kept of its sequences: keys and values of prompt and answer, and states where the model has any.
    /// </summary>
    public int CachePages { get; }

    /// <summary>Pages for the weights of the request's adapters.</summary>
    public int AdapterPages { get; }

    /// <summary>Pages of other adapters, which are pinned.</summary>
    public int PinnedPages { get; }

    /// <summary>Pages of the pool.</summary>
    public int TotalPages { get; }
}
