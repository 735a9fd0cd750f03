using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>An adapter on a disk that answers when the test says so. Its headers can always be read; the first byte of its content hangs at the gate.</summary>
internal sealed class GatedPackage(string name, string folder) : AdapterPackage(name)
{
    private readonly AdapterFolder _folder = new(name, folder);

    /// <summary>Open: readings go on.</summary>
    public ManualResetEventSlim Gate { get; } = new(false);

    /// <summary>Set while a reading stands at the gate.</summary>
    public ManualResetEventSlim Reached { get; } = new(false);

    /// <summary>What reading ends with behind the gate; null when it succeeds.</summary>
    public Exception? Fault { get; set; }

    public override AdapterReader Open() => new Reader(this, _folder.Open());

    private sealed class Reader(GatedPackage owner, AdapterReader inner) : AdapterReader
    {
        private bool _passed;

        public override string File => inner.File;

        public override PeftConfig Config => inner.Config;

        public override ImmutableArray<TensorEntry> Tensors => inner.Tensors;

        public override long Bytes => inner.Bytes;

        public override ReadOnlyMemory<byte> Fingerprint => inner.Fingerprint;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            if (!_passed)
            {
                owner.Reached.Set();
                owner.Gate.Wait();
                _passed = true;
                if (owner.Fault is { } fault)
                {
                    throw fault;
                }
            }

            inner.Read(tensor, offset, destination);
        }

        public override void CheckUnchanged() => inner.CheckUnchanged();

        public override void Dispose() => inner.Dispose();
    }
}
