using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>What shards cannot share is refused by name before anything is computed.</summary>
public sealed class ShardRefusalTests
{
    [Test]
    public async Task Shards_that_would_be_without_a_head_are_refused_with_the_numbers()
    {
        var error = (await Assert.ThrowsAsync<InvalidOptionException>(
            () => ShardedEngine.Builder("core-llama-rope-linear").UseCpu(cpu => cpu.Shards = 4).BuildAsync()))!;

        Assert.That(error.Option, Is.EqualTo("Cpu.Shards"));
        Assert.That(error.Message, Does.Contain("4, which does not divide the 2 parts").And.Contain("(3 × 8)"));
    }

    [Test]
    public async Task Shards_that_would_be_without_an_expert_are_refused_with_the_numbers()
    {
        var error = (await Assert.ThrowsAsync<InvalidOptionException>(
            () => ShardedEngine.Builder("later-glm4-moe-lite").UseCpu(cpu => cpu.Shards = 8).BuildAsync()))!;

        Assert.That(error.Message, Does.Contain("8, which does not divide the 4 parts"));
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(16)]
    public void Numbers_that_are_no_small_powers_of_two_are_refused(int shards)
    {
        var error = Assert.Throws<InvalidOptionException>(() => LoraServingEngine.CreateBuilder().UseCpu(cpu => cpu.Shards = shards))!;

        Assert.That(error.Message, Does.Contain($"Cpu.Shards is {shards}"));
    }
}
