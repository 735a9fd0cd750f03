using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Hosting.Tests;

public sealed class HealthCheckTests
{
    private EngineStatus _status = null!;

    [OneTimeSetUp]
    public async Task TakeStatus()
    {
        await using LoraServingEngine engine = await DemoModel.BuildAsync();
        _status = engine.Status;
    }

    [TestCase(1, HealthStatus.Healthy)]
    [TestCase(2, HealthStatus.Unhealthy)]
    public async Task A_host_is_ready_while_fewer_requests_wait_than_its_limit(int waiting, HealthStatus expected)
    {
        EngineStatus status = _status with { Queue = new QueueStatus(0, 0, waiting) };
        Assert.That((await ReadyAsync(status)).Status, Is.EqualTo(expected));
    }

    [Test]
    public async Task A_pool_whose_books_do_not_agree_is_not_ready()
    {
        EngineStatus status = _status with { Pool = _status.Pool with { Reserved = _status.Pool.Free + 1 } };
        HealthCheckResult result = await ReadyAsync(status);
        Assert.That(result.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(result.Description, Does.Contain("pool"));
    }

    [Test]
    public async Task The_numbers_are_told_beside()
    {
        HealthCheckResult result = await ReadyAsync(_status);
        Assert.That(result.Data.Keys, Is.EquivalentTo(new[] { "running", "waiting", "pool_utilization", "resident_adapters" }));
    }

    [Test]
    public async Task A_loop_that_answers_is_alive() =>
        Assert.That((await LiveAsync(Task.FromResult(false), TimeSpan.FromDays(1))).Status, Is.EqualTo(HealthStatus.Healthy));

    [Test]
    public async Task A_loop_that_does_not_answer_is_not()
    {
        HealthCheckResult result = await LiveAsync(new TaskCompletionSource<bool>().Task, TimeSpan.FromMilliseconds(1));
        Assert.That(result.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(result.Description, Does.Contain("has not turned"));
    }

    [Test]
    public async Task An_engine_that_has_failed_is_not_alive_and_says_why()
    {
        var fault = new EngineFaultedException(new InvalidOperationException("the device is gone"));
        HealthCheckResult result = await LiveAsync(Task.FromException<bool>(fault), TimeSpan.FromDays(1));
        Assert.That(result.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(result.Description, Does.Contain("the device is gone"));
    }

    private static async Task<HealthCheckResult> ReadyAsync(EngineStatus status)
    {
        var engine = new HostedEngine();
        engine.TrySet(new ScriptedEngine(DemoModel.Tokenizer, _ => "") { Status = status });
        var check = new EngineReadyCheck(engine, Options.Create(new SLoRAOptions { ReadyWaiting = 2 }));
        return await check.CheckHealthAsync(new HealthCheckContext());
    }

    private static async Task<HealthCheckResult> LiveAsync(Task<bool> answer, TimeSpan limit)
    {
        var engine = new HostedEngine();
        engine.TrySet(new ScriptedEngine(DemoModel.Tokenizer, _ => "") { Unpinned = answer });
        var check = new EngineLiveCheck(engine, Options.Create(new SLoRAOptions { LiveTimeout = limit }), TimeProvider.System);
        return await check.CheckHealthAsync(new HealthCheckContext());
    }
}
