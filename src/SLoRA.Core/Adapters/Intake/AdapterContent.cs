using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Native;

namespace SLoRA.Adapters.Intake;

/// <summary>One module's matrices in main memory.</summary>
/// <param name="Target">The module.</param>
/// <param name="Rank">Its rank.</param>
/// <param name="Scale">What multiplies B A.</param>
/// <param name="A">A, [rank, in].</param>
/// <param name="B">B, [out, rank].</param>
internal sealed record AdapterContentModule(TargetModule Target, int Rank, float Scale, WeightMatrix A, WeightMatrix B);

/// <summary>
/// The checked content of an adapter as it was read. Immutable; any number of threads may read it until it is disposed.
/// </summary>
internal sealed class AdapterContent : IDisposable
{
    private readonly NativeBlock _memory;

    internal AdapterContent(
        AdapterDescription description, ImmutableArray<AdapterContentModule> modules, ImmutableArray<AdapterContentChange> changes,
        NativeBlock memory, PacedLoad? load = null, CancellationToken cancellation = default)
    {
        Description = description;
        Modules = modules;
        Changes = changes;
        _memory = memory;
        Id = Identify(load, cancellation);
    }

    /// <summary>What the adapter was registered as.</summary>
    public AdapterDescription Description { get; }

    /// <summary>The identity of this content.</summary>
    public GenerationId Id { get; }

    /// <summary>The modules in the model's order.</summary>
    public ImmutableArray<AdapterContentModule> Modules { get; }

    /// <summary>What is done to modules besides, in the order of their indices.</summary>
    public ImmutableArray<AdapterContentChange> Changes { get; }

    /// <summary>Bytes of main memory that the content takes.</summary>
    public long Bytes => _memory.Length;

    /// <summary>Reads the content of a registered adapter, once and completely, and checks every value.</summary>
    /// <param name="description">What registration found. If the package is no longer like that, the content is refused.</param>
    /// <param name="baseWeight">
    /// The weight of a module of the base model as its own files have it; asked only for copies that the adapter carries and for DoRA.
    /// </param>
    /// <param name="expected">The identity that the content must have because it was loaded before; null if it was not.</param>
    /// <param name="baseMemory">Held while base weights are looked at; null when their memory is sure to stay.</param>
    /// <param name="load">Says when it may work; null for always.</param>
    /// <param name="cancellationToken">Ends the reading between two pieces.</param>
    /// <param name="baseBias">The bias of a module of the base model that has one; asked only for DoRA and trained biases.</param>
    /// <exception cref="AdapterChangedException">It has another identity than is expected.</exception>
    /// <exception cref="AdapterLoadException">The package changed since it was described, a value is NaN or infinite, or a copy of a base
    /// weight differs from the base.</exception>
    public static AdapterContent Load(
        AdapterDescription description,
        Func<TargetModule, BaseWeight> baseWeight,
        GenerationId? expected = null,
        MemoryGate? baseMemory = null,
        PacedLoad? load = null,
        CancellationToken cancellationToken = default,
        Func<TargetModule, BaseWeight>? baseBias = null)
    {
        AdapterPackage package = description.Package;
        try
        {
            using AdapterReader reader = package.Open(load);
            if (!reader.Fingerprint.Span.SequenceEqual(description.Fingerprint.Span))
            {
                throw new FormatError(LoadErrorKind.File, reader.File, null, "or its configuration was changed since it was looked at");
            }

            AdapterContent content = new ContentReader(
                reader, description, new BaseReader(baseWeight, baseBias, baseMemory, load, cancellationToken), load, cancellationToken)
                .Read();
            if (expected is { } id && content.Id != id)
            {
                content.Dispose();
                throw new AdapterChangedException(package.Name, reader.File, new AdapterIdentity(id, default, null),
                    new AdapterIdentity(content.Id, default, reader.Stamp));
            }

            return content;
        }
        catch (FormatError error)
        {
            throw new AdapterLoadException(package.Name, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>
    /// Hashes, per module: name, rank, the bits of the scale, and of A and B type, shape and bytes; then, where there is any, what is done
    /// to modules besides: name, what it is, numbers of rows, type, shape and bytes; then the invocation. Every part has a known length or
    /// says it.
    /// </summary>
    private GenerationId Identify(PacedLoad? load, CancellationToken cancellation)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("slora adapter 1\n"u8);
        foreach (AdapterContentModule module in Modules)
        {
            Text(module.Target.Name);
            Number(module.Rank);
            Number(BitConverter.SingleToUInt32Bits(module.Scale));
            Matrix(module.A);
            Matrix(module.B);
        }

        foreach (AdapterContentChange change in Changes)
        {
            Text(change.Target.Name);
            Numbers(change.Ids);
            foreach ((string role, WeightMatrix matrix) in change.Read)
            {
                Text(role);
                Matrix(matrix);
            }
        }

        if (!Description.Parts.InvocationTokens.IsEmpty)
        {
            Text("invocation");
            Numbers(Description.Parts.InvocationTokens);
        }

        Span<byte> result = stackalloc byte[GenerationId.Bytes];
        hash.GetHashAndReset(result);
        return GenerationId.FromHash(result);

        void Matrix(WeightMatrix matrix)
        {
            Text(matrix.Type.ToString());
            Number(matrix.Rows);
            Number(matrix.Columns);
            for (int row = 0; row < matrix.Rows;)
            {
                // Many rows at a time: those of B have only as many elements as the rank.
                int rows = Math.Min(matrix.Rows - row, Math.Max(1, (1 << 20) / (matrix.Columns * matrix.Type.ElementSize())));
                using LoadPace.Turn? turn = load?.Work(cancellation);
                hash.AppendData(matrix.RowsFrom(row, rows));
                row += rows;
            }
        }

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Number(bytes.Length);
            hash.AppendData(bytes);
        }

        void Numbers(ImmutableArray<int> numbers)
        {
            Number(numbers.Length);
            foreach (int number in numbers)
            {
                Number(number);
            }
        }

        void Number(long number)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            hash.AppendData(bytes);
        }
    }
}
