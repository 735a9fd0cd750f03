using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

[TestFixture]
[Parallelizable(ParallelScope.All)]
internal sealed class IdlePreloadTests
{
    [Test]
    public async Task Preloading_ends_although_nothing_runs()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 8L << 20)
            .BuildAsync();
        foreach (string name in SteppedEngine.AdapterNames)
        {
            await engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder(name));
            await engine.Adapters.PreloadAsync(name).WaitAsync(TimeSpan.FromMinutes(2));
        }

        Assert.That(engine.Adapters.List(), Has.All.Property(nameof(AdapterStatus.IsResident)).True);
    }
}
