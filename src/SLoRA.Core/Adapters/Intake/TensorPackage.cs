using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>An adapter in memory. The begin of each entry is its place in <paramref name="values"/>.</summary>
internal sealed class TensorPackage(
    string name, byte[] config, ImmutableArray<TensorEntry> entries, ImmutableArray<byte[]> values, long bytes)
    : AdapterPackage(name)
{
    private const string Source = "tensors in memory";
    private ImmutableArray<byte[]> _values = values;

    /// <inheritdoc/>
    public override bool CanReadAgain => false;

    /// <inheritdoc/>
    public override AdapterPackage ForEngine() => new TensorPackage(Name, config, entries, _values, bytes);

    /// <inheritdoc/>
    public override AdapterReader Open(PacedLoad? load = null)
    {
        PeftConfig checkedConfig = PeftConfigReader.Read(ConfigDocument.Parse(config, AdapterFolder.ConfigFile));
        return new Reader(checkedConfig, config, entries, _values, bytes);
    }

    /// <inheritdoc/>
    public override void Release() => _values = [];

    private sealed class Reader(
        PeftConfig config, byte[] configBytes, ImmutableArray<TensorEntry> entries, ImmutableArray<byte[]> values,
        long bytes) : AdapterReader
    {
        public override string File => Source;

        public override PeftConfig Config => config;

        public override ReadOnlyMemory<byte> ConfigBytes => configBytes;

        public override ImmutableArray<TensorEntry> Tensors => entries;

        public override long Bytes => bytes;

        public override ReadOnlyMemory<byte> Fingerprint { get; } = FingerprintOf(configBytes, entries);

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination) =>
            values[(int)tensor.Begin].AsSpan((int)offset, destination.Length).CopyTo(destination);

        public override void CheckUnchanged()
        {
        }
    }
}
