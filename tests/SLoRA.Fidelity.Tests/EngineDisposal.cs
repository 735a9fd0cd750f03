using NUnit.Framework;

namespace SLoRA.Fidelity.Tests;

/// <summary>Disposes the shared engines when the last test that could use one has ended.</summary>
[SetUpFixture]
public sealed class EngineDisposal
{
    [OneTimeTearDown]
    public Task Dispose() => FixtureEngine.DisposeAll();
}
