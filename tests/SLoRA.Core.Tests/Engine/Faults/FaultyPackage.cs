using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>
/// An adapter whose headers can be read, and whose content passes through <paramref name="alter"/>, which may change it or throw.
/// </summary>
internal sealed class FaultyPackage(string name, string content, FaultyPackage.Alteration alter) : AdapterPackage(name)
{
    private readonly AdapterFolder _folder = new(name, SteppedEngine.AdapterFolder(content));

    /// <summary>Changes bytes that have been read.</summary>
    public delegate void Alteration(Span<byte> read);

    public override AdapterReader Open(PacedLoad? load = null) => new Reader(_folder.Open(load), alter);

    private sealed class Reader(AdapterReader inner, Alteration alter) : WrappedReader(inner)
    {
        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            base.Read(tensor, offset, destination);
            alter(destination);
        }
    }
}
