using System.Collections.Frozen;
using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Mlx;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The opened folder of an adapter of MLX. Its tensors are given in PEFT's shapes, the matrices of each expert by themselves, under the
/// names of the file.
/// </summary>
internal sealed class MlxReader : FolderReader
{
    private readonly FrozenDictionary<string, MlxTensor> _tensors;
    private MlxTensor? _made;
    private byte[] _values = [];

    private MlxReader(
        AdapterFolder folder, AdapterTensorFiles files, MlxAdapterConfig config, byte[] configBytes,
        (long Length, DateTime Written) configState, PacedLoad? load)
        : base(folder, files, config.Config, configBytes, configState, load)
    {
        Tensors = [.. config.Tensors.Select(tensor => tensor.Entry)];
        _tensors = config.Tensors.ToFrozenDictionary(tensor => tensor.Entry.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ConfigBytes => default;

    /// <inheritdoc/>
    public override ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Reads what an opened folder says.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="files">Its tensors; disposed with the reader.</param>
    /// <param name="json">The configuration.</param>
    /// <param name="configBytes">The bytes that it was read from.</param>
    /// <param name="configState">Length and time of their file.</param>
    /// <param name="model">The base model.</param>
    /// <param name="load">Says when it may work; null for always.</param>
    /// <exception cref="FormatError">It is broken, or not served.</exception>
    public static MlxReader Of(
        AdapterFolder folder, AdapterTensorFiles files, ConfigObject json, byte[] configBytes, (long Length, DateTime Written) configState,
        MlxBase model, PacedLoad? load)
    {
        MlxAdapterConfig config;
        using (PacedWork? work = load?.WorkInPieces())
        {
            config = MlxAdapterConfig.Read(json, files.Name, files.Tensors, model, work is null ? null : work.Pause);
        }

        return new MlxReader(folder, files, config, configBytes, configState, load);
    }

    /// <inheritdoc/>
    public override PeftTensorKey? KeyOf(TensorEntry tensor) => _tensors[tensor.Name].Key;

    /// <inheritdoc/>
    public override string NameOf(string module, PeftTensorRole role) => MlxTensors.NameOf(module, role);

    /// <inheritdoc/>
    public override (LoadErrorKind Kind, string Problem)? ForeignProblem(TensorEntry tensor) => null;

    /// <inheritdoc/>
    public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
    {
        MlxTensor mlx = _tensors[tensor.Name];
        if (mlx.Form == MlxForm.AsStored)
        {
            base.Read(tensor, offset, destination);
            return;
        }

        // Tensors are read one after the other, each in pieces.
        if (_made != mlx)
        {
            _values = Make(mlx);
            _made = mlx;
        }

        _values.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    private byte[] Make(MlxTensor mlx)
    {
        int size = mlx.Entry.Type.ElementSize();
        if (mlx.Form == MlxForm.Turned)
        {
            TensorEntry stored = mlx.Stored[0]!;
            return Transposed(Stored(stored), (int)stored.Shape[0], (int)stored.Shape[1], size);
        }

        // What one of the two lacks is zero, and so is B of the one where the ranks of the other are.
        byte[] values = new byte[mlx.Entry.Length];
        int parts = mlx.Stored.Length;
        for (int part = 0; part < parts; part++)
        {
            if (mlx.Stored[part] is not { } stored)
            {
                continue;
            }

            byte[] rows = Stored(stored);
            if (mlx.Form == MlxForm.Behind)
            {
                rows.CopyTo(values, part * rows.Length);
                continue;
            }

            int width = (int)stored.Shape[1] * size;
            for (int row = 0; row < (int)stored.Shape[0]; row++)
            {
                rows.AsSpan(row * width, width).CopyTo(values.AsSpan(((((row * parts) + part) * parts) + part) * width));
            }
        }

        return values;
    }

    private byte[] Stored(TensorEntry tensor)
    {
        byte[] values = new byte[tensor.Length];
        base.Read(tensor, 0, values);
        return values;
    }
}
