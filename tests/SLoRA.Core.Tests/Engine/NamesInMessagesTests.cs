using Microsoft.Extensions.Logging;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Names of strangers in messages and in the log.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class NamesInMessagesTests
{
    private const string Forged = "x\nfail: The engine failed and takes no more requests\u001b[2J";
    private static readonly GenerationRequest Question = new() { Prompt = new[] { 1, 2, 3 }, MaxTokens = 1 };

    [Test]
    public void No_name_forges_a_line_or_fills_a_message()
    {
        var log = new List<string>();
        using var engine = new SteppedEngine(builder => builder.UseLogger(new Recorder(log)));
        foreach (string name in (string[])[Forged, new string('n', AdapterUse.MaxNameLength)])
        {
            engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder("qv")));
            AssertShort(Error(() => engine.Run(engine.Adapters.RegisterAsync(name, SteppedEngine.AdapterFolder("qv")))));
            AssertShort(Error(() => engine.Run(engine.Adapters.ReplaceAsync(name, "/nowhere"))));
            AssertShort(Error(() => engine.Stream(Question with { Adapters = [new AdapterUse(name, float.NaN)] })));
            engine.Run(engine.Adapters.UnregisterAsync(name));
            AssertShort(Error(() => engine.Run(engine.Adapters.EvictAsync(name))));
            AssertShort(Error(() => engine.Loop.Names.Check(Question with { Adapter = name })));
            AssertShort(new AdapterTooLargeException(name, 1, 2, 3, 4).Message);
        }

        string tooLong = new('n', 100_000);
        AssertRefused(Assert.Throws<ArgumentException>(() => engine.Adapters.RegisterAsync(tooLong, SteppedEngine.AdapterFolder("qv"))));
        AssertRefused(Assert.Throws<ArgumentException>(() => engine.Adapters.ReplaceTensorsAsync(tooLong, TestTensors.Of("qv"))));
        AssertRefused(Assert.Throws<InvalidRequestException>(() => engine.Stream(Question with { Adapter = tooLong })));
        AssertShort(Error(() => engine.Run(engine.Adapters.EvictAsync(tooLong))));
        Assert.That(log, Has.Count.AtLeast(6));
        foreach (string line in log)
        {
            AssertShort(line);
        }
    }

    [Test]
    public void An_error_says_where_in_the_folder_and_the_log_where_on_the_machine()
    {
        var log = new List<string>();
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine(builder => builder.UseLogger(new Recorder(log)));
        File.WriteAllText(Path.Combine(copy.Path, "adapter_config.json"), "{");
        AssertHidden(Error(() => engine.Run(engine.Adapters.RegisterAsync("broken", copy.Path))), "adapter_config.json");
        File.Delete(Path.Combine(copy.Path, "adapter_config.json"));
        AssertHidden(Error(() => engine.Run(engine.Adapters.RegisterAsync("broken", copy.Path))), "adapter_config.json");
        Directory.CreateDirectory(Path.Combine(copy.Path, "adapter_config.json"));
        AssertHidden(Error(() => engine.Run(engine.Adapters.RegisterAsync("broken", copy.Path))), "adapter_config.json");
        AssertHidden(Error(() => engine.Run(engine.Adapters.RegisterAsync("broken", Path.Combine(copy.Path, "gone")))), "does not exist");
        Assert.That(log.Count(line => line.Contains(copy.Path, StringComparison.Ordinal)), Is.EqualTo(4));

        void AssertHidden(string message, string mention) => Assert.That(message, Does.Contain(mention).And.Not.Contain(copy.Path));
    }

    private static string Error(Action action) => Assert.Catch<SLoraException>(action)!.Message;

    /// <summary>What no adapter can be called is not repeated.</summary>
    private static void AssertRefused(Exception? error)
    {
        AssertShort(error!.Message);
        Assert.That(error.Message, Does.Not.Contain("nnn"));
    }

    private static void AssertShort(string text)
    {
        Assert.That(text, Has.Length.LessThan(1000));
        Assert.That(text.Any(char.IsControl), Is.False, text);
    }

    private sealed class Recorder(List<string> log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (log)
            {
                log.Add(formatter(state, exception));
            }
        }
    }
}
