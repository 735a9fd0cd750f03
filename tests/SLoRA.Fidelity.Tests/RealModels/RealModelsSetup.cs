using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Frees the engines when the last test of real models has ended.</summary>
[SetUpFixture]
public sealed class RealModelsSetup
{
    [OneTimeTearDown]
    public Task Dispose() => RealModelEngine.DisposeAll();
}
