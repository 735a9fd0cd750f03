using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>An adapter whose headers can be read, and whose content passes through <paramref name="alter"/>, which may change it or throw.</summary>
internal sealed class FaultyPackage(string name, string content, FaultyPackage.Alteration alter) : AdapterPackage(name)
{
    private readonly AdapterFolder _folder = new(name, SteppedEngine.AdapterFolder(content));

    /// <summary>Changes bytes that have been read.</summary>
    public delegate void Alteration(Span<byte> read);

    public override AdapterReader Open() => new Reader(_folder.Open(), alter);

    private sealed class Reader(AdapterReader inner, Alteration alter) : AdapterReader
    {
        public override string File => inner.File;

        public override PeftConfig Config => inner.Config;

        public override ImmutableArray<TensorEntry> Tensors => inner.Tensors;

        public override long Bytes => inner.Bytes;

        public override ReadOnlyMemory<byte> Fingerprint => inner.Fingerprint;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            inner.Read(tensor, offset, destination);
            alter(destination);
        }

        public override void CheckUnchanged() => inner.CheckUnchanged();

        public override void Dispose() => inner.Dispose();
    }
}
