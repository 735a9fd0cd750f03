using System.Collections.Immutable;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>A reader that does what another does, for tests to come between.</summary>
internal abstract class WrappedReader(AdapterReader inner) : AdapterReader
{
    public override string File => inner.File;

    public override ReadOnlyMemory<byte> ConfigBytes => inner.ConfigBytes;

    public override PeftConfig Config => inner.Config;

    public override ImmutableArray<TensorEntry> Tensors => inner.Tensors;

    public override PeftTensorKey? KeyOf(TensorEntry tensor) => inner.KeyOf(tensor);

    public override string NameOf(string module, PeftTensorRole role) => inner.NameOf(module, role);

    public override (LoadErrorKind Kind, string Problem)? ForeignProblem(TensorEntry tensor) => inner.ForeignProblem(tensor);

    public override long Bytes => inner.Bytes;

    public override ReadOnlyMemory<byte> Fingerprint => inner.Fingerprint;

    public override PackageStamp? Stamp => inner.Stamp;

    public override void Read(TensorEntry tensor, long offset, Span<byte> destination) => inner.Read(tensor, offset, destination);

    public override void CheckUnchanged() => inner.CheckUnchanged();

    public override void Dispose() => inner.Dispose();
}
