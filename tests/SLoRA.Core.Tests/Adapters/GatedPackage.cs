using SLoRA.Adapters.Intake;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>
/// An adapter on a disk that answers when the test says so. Its headers can always be read; the first byte of its content hangs at the
/// gate.
/// </summary>
internal sealed class GatedPackage(string name, string folder) : AdapterPackage(name)
{
    private readonly AdapterFolder _folder = new(name, folder);

    /// <summary>Open: readings go on.</summary>
    public ManualResetEventSlim Gate { get; } = new(false);

    /// <summary>Set while a reading stands at the gate.</summary>
    public ManualResetEventSlim Reached { get; } = new(false);

    /// <summary>What reading ends with behind the gate; null when it succeeds.</summary>
    public Exception? Fault { get; set; }

    public override AdapterReader Open(PacedLoad? load = null) => new Reader(this, _folder.Open(load));

    private sealed class Reader(GatedPackage owner, AdapterReader inner) : WrappedReader(inner)
    {
        private bool _passed;

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

            base.Read(tensor, offset, destination);
        }
    }
}
