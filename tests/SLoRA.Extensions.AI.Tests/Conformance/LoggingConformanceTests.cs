using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace SLoRA.Extensions.AI.Tests.Conformance;

public sealed class LoggingConformanceTests
{
    private readonly FakeLogCollector _log = new();
    private readonly ConformanceModel _model = new ConformanceModel()
        .Knows(ConformanceModel.Result("42"), "It is 42.")
        .Knows("secret number", ConformanceModel.Call("GetSecretNumber"))
        .Knows("biggest animal", "The blue whale is.");

    [SetUp]
    public void Clear() => _log.Clear();

    [Test]
    public async Task Logging_LogsCalls_NonStreaming()
    {
        using ILoggerFactory loggers = Loggers();
        await _model.Client.AsBuilder().UseLogging(loggers).Build().GetResponseAsync("What's the biggest animal?");
        Assert.That(Messages(), Has.Length.EqualTo(2));
        Assert.That(Messages()[0], Does.Contain("biggest animal"));
        Assert.That(Messages()[1], Does.Contain("whale"));
    }

    [Test]
    public async Task Logging_LogsCalls_Streaming()
    {
        using ILoggerFactory loggers = Loggers();
        IChatClient client = _model.Client.AsBuilder().UseLogging(loggers).Build();
        await client.GetStreamingResponseAsync("What's the biggest animal?").ToListAsync();
        Assert.That(Messages(), Has.Some.Contains("biggest animal").And.Some.Contains("wh"));
    }

    [Test]
    public async Task Logging_LogsFunctionCalls_NonStreaming()
    {
        using ILoggerFactory loggers = Loggers();
        IChatClient client = _model.Client.AsBuilder().UseFunctionInvocation().UseLogging(loggers).Build();
        await client.GetResponseAsync("What is the secret number?", Tools());
        Assert.That(Messages(), Has.Length.EqualTo(4));
        Assert.That(Messages()[0], Does.Contain("What is the secret number?"));
        Assert.That(Messages()[1], Does.Contain("\"name\": \"GetSecretNumber\""));
        Assert.That(Messages()[2], Does.Contain("\"result\": 42"));
        Assert.That(Messages()[3], Does.Contain("42"));
    }

    [Test]
    public async Task Logging_LogsFunctionCalls_Streaming()
    {
        using ILoggerFactory loggers = Loggers();
        IChatClient client = _model.Client.AsBuilder().UseFunctionInvocation().UseLogging(loggers).Build();
        await client.GetStreamingResponseAsync("What is the secret number?", Tools()).ToListAsync();
        Assert.That(Messages(), Has.Some.Contains("What is the secret number?")
            .And.Some.Contains("\"name\": \"GetSecretNumber\"").And.Some.Contains("\"result\": 42"));
    }

    private static ChatOptions Tools() => new() { Tools = [AIFunctionFactory.Create(() => 42, "GetSecretNumber")] };

    private string[] Messages() => [.. _log.GetSnapshot().Select(entry => entry.Message)];

    private ILoggerFactory Loggers() =>
        LoggerFactory.Create(logging => logging.AddProvider(new FakeLoggerProvider(_log)).SetMinimumLevel(LogLevel.Trace));
}
