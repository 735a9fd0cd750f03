namespace SLoRA.HuggingFace.Cache;

/// <summary>
/// Where the files of a repository may lie: in the cache, whose folder, repositories and folders of blobs may be links to other disks. A
/// link to anywhere else is not followed.
/// </summary>
internal sealed class CacheBounds(CacheLayout layout)
{
    private readonly string[] _folders =
        [.. new[] { layout.Cache, layout.Root, layout.Blobs, layout.SharedBlobs }.Select(RealPath.Of).OfType<string>()];

    /// <summary>Whether a path without links lies within.</summary>
    public bool Hold(string real) => Array.Exists(_folders, folder => RealPath.IsWithin(folder, real));
}
