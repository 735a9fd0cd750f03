using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// An adapter in one GGUF file, as llama.cpp's converter writes it. Its tensors are given in PEFT's shapes and order of rows, under the
/// names of the file.
/// </summary>
/// <param name="name">The adapter's name.</param>
/// <param name="path">The file.</param>
/// <param name="limits">How large it may be; null for the default.</param>
/// <param name="followsLinks">Whether it may be a symbolic link.</param>
/// <param name="model">The base model that it is for.</param>
internal sealed class GgufAdapter(
    string name, string path, AdapterLimits? limits = null, bool followsLinks = true, AdapterBase model = default) : AdapterPackage(name)
{
    // Absolute, so that a program that changes its directory still means the same file at the first load.
    private readonly string _path = path.Contains('\0') ? path : Path.GetFullPath(path);
    private readonly AdapterLimits _limits = limits ?? AdapterLimits.Default;

    /// <inheritdoc/>
    public override string Location => _path;

    private GgufBase Model => model.Gguf;

    private string FileName => Path.GetFileName(_path);

    /// <inheritdoc/>
    public override AdapterPackage ForBase(AdapterBase model) => new GgufAdapter(Name, _path, _limits, followsLinks, model);

    /// <inheritdoc/>
    public override AdapterReader Open(PacedLoad? load = null)
    {
        FileStream stream;
        try
        {
            stream = AdapterFile.Open(_path, FileName, _limits.FileBytes, followsLinks);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw AdapterFile.Unreadable(FileName, error);
        }

        try
        {
            using PacedWork? work = load?.WorkInPieces();
            return new Reader(this, stream, GgufHeader.Read(stream, FileName, _limits.HeaderBytes, work is null ? null : work.Pause));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override PackageStamp? Look() => Stamp(AdapterFile.StateOf(_path, FileName, followsLinks));

    private static PackageStamp Stamp((long Length, DateTime Written) state) => new(0, default, state.Length, state.Written);

    private sealed class Reader : AdapterReader
    {
        private readonly GgufAdapter _adapter;
        private readonly FileStream _stream;
        private readonly PackageStamp _stamp;
        private readonly GgufAdapterConfig _config;
        private readonly FrozenDictionary<string, GgufTensor> _tensors;
        private string? _converted;
        private byte[] _values = [];

        public Reader(GgufAdapter adapter, FileStream stream, GgufHeader header)
        {
            _adapter = adapter;
            _stream = stream;
            _stamp = GgufAdapter.Stamp(AdapterFile.StateOf(stream.SafeFileHandle, adapter.FileName));
            _config = GgufAdapterConfig.Read(header, adapter.Model);
            _tensors = _config.Tensors.ToFrozenDictionary(tensor => tensor.Name, StringComparer.Ordinal);
            Tensors = [.. _config.Tensors.Select(Entry)];
            Fingerprint = FingerprintOf(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{_config.Config.Alpha:R}")), Tensors);
        }

        public override string File => _adapter.FileName;

        public override PeftConfig Config => _config.Config;

        public override ImmutableArray<TensorEntry> Tensors { get; }

        public override long Bytes => _stamp.TensorBytes;

        public override ReadOnlyMemory<byte> Fingerprint { get; }

        public override PackageStamp? Stamp => _stamp;

        public override PeftTensorKey? KeyOf(TensorEntry tensor) => _config.KeyOf(tensor.Name);

        public override string NameOf(string module, PeftTensorRole role) => _config.NameOf(module, role);

        public override (LoadErrorKind Kind, string Problem)? ForeignProblem(TensorEntry tensor) => null;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            GgufTensor stored = _tensors[tensor.Name];
            if (stored.Type.Format is PlainFormat && !IsTransposed(stored) && !_config.HasHeadRows(tensor.Name))
            {
                AdapterFile.Read(_stream.SafeFileHandle, File, stored.Begin + offset, destination);
                return;
            }

            // Tensors are read one after the other, each in pieces.
            if (_converted != tensor.Name)
            {
                _values = Convert(tensor, stored);
                _converted = tensor.Name;
            }

            _values.AsSpan((int)offset, destination.Length).CopyTo(destination);
        }

        public override void CheckUnchanged()
        {
            if (GgufAdapter.Stamp(AdapterFile.StateOf(_stream.SafeFileHandle, File)) != _stamp || _adapter.Look() != _stamp)
            {
                throw new FormatError(LoadErrorKind.File, File, null, "was changed while it was read");
            }
        }

        public override void Dispose() => _stream.Dispose();

        private bool IsTransposed(GgufTensor tensor) =>
            _config.KeyOf(tensor.Name).Role == PeftTensorRole.EmbeddingA && tensor.Shape.Length == 2;

        /// <summary>The tensor as PEFT would store it. Blocks are widened.</summary>
        private TensorEntry Entry(GgufTensor tensor)
        {
            TensorType type = tensor.Type switch
            {
                { Format: PlainFormat plain } => plain.Type,
                { Format: not null } => TensorType.F32,
                _ => throw new FormatError(LoadErrorKind.Tensor, File, tensor.Name,
                    $"has the type {tensor.Type.Name}, which is none of weights"),
            };
            long elements = tensor.Shape.Aggregate(1L, static (product, size) => product * size);
            // Converted tensors are held as a whole.
            return elements <= Array.MaxLength / type.ElementSize()
                ? new TensorEntry(tensor.Name, type, IsTransposed(tensor) ? [tensor.Shape[1], tensor.Shape[0]] : tensor.Shape, tensor.Begin,
                    elements * type.ElementSize())
                : throw new FormatError(LoadErrorKind.Tensor, File, tensor.Name, $"has {elements} elements, too many for one matrix");
        }

        private byte[] Convert(TensorEntry entry, GgufTensor stored)
        {
            byte[] raw = new byte[stored.Length];
            AdapterFile.Read(_stream.SafeFileHandle, File, stored.Begin, raw);
            byte[] values = raw;
            if (stored.Type.Format is not PlainFormat)
            {
                values = new byte[entry.Length];
                if (stored.Type.Format!.FirstNotFinite(raw) is >= 0 and var at)
                {
                    throw new FormatError(LoadErrorKind.Tensor, File, stored.Name, $"has NaN or infinity at element {at}");
                }

                stored.Type.Format.Widen(raw, MemoryMarshal.Cast<byte, float>(values.AsSpan()));
            }

            int size = entry.Type.ElementSize();
            return IsTransposed(stored) ? Transposed(values, (int)stored.Shape[0], (int)stored.Shape[1], size)
                : _config.HasHeadRows(stored.Name) ? InOrder(values, (int)stored.Shape[0], _adapter.Model.HeadRows)
                : values;
        }

        private static byte[] InOrder(byte[] values, int rows, HeadRows order)
        {
            byte[] result = new byte[values.Length];
            int rowBytes = values.Length / rows;
            for (int row = 0; row < rows; row++)
            {
                values.AsSpan((int)order.InFile(row) * rowBytes, rowBytes).CopyTo(result.AsSpan(row * rowBytes));
            }

            return result;
        }
    }
}
