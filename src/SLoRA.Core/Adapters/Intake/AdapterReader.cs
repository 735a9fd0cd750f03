using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// An opened package: its configuration, the list of its tensors, and their bytes on demand. Not for several threads at once.
/// </summary>
internal abstract class AdapterReader : IDisposable
{
    /// <summary>The name that errors call the source of the tensors by.</summary>
    public abstract string File { get; }

    /// <summary>The checked configuration.</summary>
    public abstract PeftConfig Config { get; }

    /// <summary>The configuration as PEFT writes it; empty where there is none in that form.</summary>
    public virtual ReadOnlyMemory<byte> ConfigBytes => default;

    /// <summary>The tensors in the order of their bytes.</summary>
    public abstract ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Module and role of a tensor; null if its name is none of plain LoRA.</summary>
    public virtual PeftTensorKey? KeyOf(TensorEntry tensor) => PeftTensorKey.Parse(tensor.Name);

    /// <summary>What the source would call a tensor of a module.</summary>
    public virtual string NameOf(string module, PeftTensorRole role) => PeftTensorKey.Name(module, role);

    /// <summary>What a tensor is that has no place in any model; null if nothing is known of it.</summary>
    public virtual (LoadErrorKind Kind, string Problem)? ForeignProblem(TensorEntry tensor) => ForeignTensor.Problem(tensor.Name);

    /// <summary>All bytes that the package has.</summary>
    public abstract long Bytes { get; }

    /// <summary>
    /// A hash of the configuration's bytes and of the list of tensors. If it is another one than at registration, the package was changed
    /// in between and what was checked then no longer holds.
    /// </summary>
    public abstract ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>How the files stood when they were opened; null where there are none.</summary>
    public virtual PackageStamp? Stamp => null;

    /// <summary>Reads a part of a tensor.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="offset">Bytes from the start of the tensor.</param>
    /// <param name="destination">Filled to its end.</param>
    /// <exception cref="FormatError">The bytes are no longer there.</exception>
    public abstract void Read(TensorEntry tensor, long offset, Span<byte> destination);

    /// <summary>Refuses a package that changed since it was opened. Called once all bytes have been read.</summary>
    /// <exception cref="FormatError">It changed.</exception>
    public abstract void CheckUnchanged();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>A matrix turned: its rows become columns.</summary>
    protected static byte[] Transposed(ReadOnlySpan<byte> values, int rows, int columns, int size)
    {
        byte[] result = new byte[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                values.Slice(((row * columns) + column) * size, size).CopyTo(result.AsSpan(((column * rows) + row) * size));
            }
        }

        return result;
    }

    protected static byte[] FingerprintOf(ReadOnlySpan<byte> config, ImmutableArray<TensorEntry> tensors, PacedWork? work = null)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(config);
        foreach (TensorEntry tensor in tensors)
        {
            work?.Pause();
            hash.AppendData(Encoding.UTF8.GetBytes($"\0{tensor.Name}\0{tensor.Type}\0{tensor.ShapeText}\0{tensor.Begin}"));
        }

        return hash.GetHashAndReset();
    }
}
