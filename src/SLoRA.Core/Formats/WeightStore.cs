using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SLoRA.Formats;

/// <summary>
/// The weights of a base model, whatever files they lie in, under the names that Hugging Face gives them and in its order of rows. Opening
/// reads and checks headers; mapping, or reading and <see cref="Release"/>, come second, so that whoever knows the model can refuse it
/// before any weight is touched.
/// </summary>
internal abstract class WeightStore : IDisposable
{
    /// <summary>The path that errors about the set of weights name.</summary>
    public abstract string File { get; }

    /// <summary>Bytes of all files together.</summary>
    public long FileBytes => Files.Sum(file => file.Length);

    /// <summary>All files.</summary>
    public abstract ImmutableArray<WeightFile> Files { get; }

    /// <summary>Tensors of the files that are of other parts than the language model, and are not used.</summary>
    public virtual int LeftOut => 0;

    /// <summary>All weights by name.</summary>
    public abstract FrozenDictionary<string, StoredWeight> Weights { get; }

    /// <summary>What the files call a weight that they do not have.</summary>
    public virtual string NameInFile(string name) => name;

    /// <summary>What errors call the file that says which shapes are right.</summary>
    public virtual string Configuration => "config.json";

    /// <summary>
    /// What explains that weights are missing, or too many; null when nothing but the fact itself does.
    /// </summary>
    /// <param name="name">The weight that is missing or too many.</param>
    public virtual FormatError? Explain(string name) => null;

    /// <summary>Whether a weight that no module asks for means nothing.</summary>
    /// <exception cref="FormatError">It would mean nothing if its values were others.</exception>
    public virtual bool MeansNothing(StoredWeight weight) => false;

    /// <summary>Reads every file through once and maps it.</summary>
    /// <exception cref="FormatError">A file cannot be read, or is shorter than when its header was read.</exception>
    public abstract void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation);

    /// <summary>
    /// The address of a weight's first block, if the files are mapped and have it as <see cref="StoredWeight.Format"/> says; otherwise it
    /// must be read. Valid until <see cref="Dispose"/>; its alignment is that of a byte.
    /// </summary>
    public abstract nint? AddressOf(StoredWeight weight);

    /// <summary>Reads a part of a weight. Any thread.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="destination">Filled to its end.</param>
    /// <exception cref="FormatError">A file cannot be read or has changed since it was opened, or values are none.</exception>
    public abstract void Read(StoredWeight weight, long offset, Span<byte> destination);

    /// <summary>Checks the values of a weight where the format asks for it, once per loading.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="blocks">All of its blocks, or a part of them.</param>
    /// <param name="offset">Bytes from its start to that part.</param>
    /// <exception cref="FormatError">A value is none.</exception>
    public virtual void CheckValues(StoredWeight weight, ReadOnlySpan<byte> blocks, long offset)
    {
    }

    /// <summary>Closes the files, unless they are mapped. What is read afterwards opens them for that moment.</summary>
    public abstract void Release();

    /// <summary>Unmaps and closes the files. All addresses become invalid.</summary>
    public abstract void Dispose();
}
