using System.Collections.Immutable;

namespace SLoRA.Backends;

/// <summary>The files that a model's weights come from, for a device that keeps what it makes of them.</summary>
/// <param name="Folder">The folder that they lie in.</param>
/// <param name="Name">What the model is called there, as a part of a file's name.</param>
/// <param name="Access">Whether files of weights may be mapped while the engine lives, or are read once and closed.</param>
/// <param name="Key">
/// What the files are known again by, 32 bytes: those of other files, or of other contents, are others. Of all bytes, or of samples of
/// them, as its argument says.
/// </param>
internal sealed record ModelFiles(string Folder, string Name, ModelAccess Access, Func<bool, ImmutableArray<byte>> Key)
{
    /// <summary>Which of several shards is asked.</summary>
    public int Shard { get; init; }

    /// <summary>How many share the model.</summary>
    public int Shards { get; init; } = 1;
}
