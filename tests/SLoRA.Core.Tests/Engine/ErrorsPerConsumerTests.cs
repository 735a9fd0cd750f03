using System.Reflection;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Adapters;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// What many wait for fails for each of them with an error of its own: one that is shared carries the traces of everybody it was thrown to.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ErrorsPerConsumerTests
{
    private const int Consumers = 200;

    /// <summary>Longer than one trace, far shorter than one of all consumers.</summary>
    private const int LongestTrace = 4000;

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 8, IgnoreEndOfText = true };

    [Test]
    public void Requests_that_wait_for_an_adapter_that_cannot_be_read()
    {
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine(builder => builder.UseTimeProvider(new ManualClock()));
        engine.Run(engine.Adapters.RegisterAsync("gone", copy.Path));
        File.Delete(copy.TensorFile);
        Answer[] waiting = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question with { Adapter = "gone" }))];
        engine.Finish(waiting);
        Answer[] refused = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question with { Adapter = "gone" }))];
        engine.Finish(refused);

        AssertOwn<AdapterLoadException>([.. waiting.Concat(refused).Select(answer => answer.Error)]);
        Assert.That(waiting[0].Error, Has.Property("Code").EqualTo("adapter.file").And.Property("Adapter")
            .EqualTo("gone").And.Property("Kind").EqualTo(LoadErrorKind.File));
        Assert.That(waiting[0].Error!.InnerException, Is.Null, "the system's own error names the file from the root on");
    }

    [Test]
    public void Preloads_of_an_adapter_that_cannot_be_read()
    {
        using var copy = new CopiedAdapter("qv");
        using var engine = new SteppedEngine();
        engine.Run(engine.Adapters.RegisterAsync("gone", copy.Path));
        File.Delete(copy.TensorFile);
        Task[] preloads = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Adapters.PreloadAsync("gone"))];

        Assert.That(() => engine.Run(Task.WhenAll(preloads)), Throws.TypeOf<AdapterLoadException>());
        AssertOwn<AdapterLoadException>([.. preloads.Select(preload => preload.Exception!.InnerException)]);
    }

    [Test]
    public void Streams_and_commands_when_the_engine_is_disposed()
    {
        var engine = new SteppedEngine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 8), adapters: ["qv"]);
        List<Answer> answers = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question with { MaxTokens = 200 }))];
        engine.Loop.Step();
        answers.AddRange(Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question)));
        Task[] commands = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Adapters.UnregisterAsync("qv"))];
        engine.Dispose();

        AssertOwn<EngineDisposedException>([.. answers.Select(answer => answer.Error), .. commands.Select(Error)]);
    }

    [Test]
    public void Streams_when_the_engine_fails_and_calls_after_that()
    {
        var engine = new SteppedEngine();
        var cause = new InvalidOperationException("broken");
        Answer[] answers = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question with { MaxTokens = 200 }))];
        engine.Loop.Step();
        engine.Loop.End(new EngineFaultedException(cause));
        Answer[] late = [.. Enumerable.Range(0, Consumers).Select(_ => engine.Ask(Question))];
        engine.Dispose();

        Exception?[] errors = [.. answers.Concat(late).Select(answer => answer.Error)];
        AssertOwn<EngineFaultedException>(errors);
        Assert.That(errors.Select(error => error!.InnerException), Is.All.SameAs(cause));
    }

    [Test]
    public void An_error_of_a_type_of_the_host_program_keeps_code_and_message()
    {
        var error = new HostException();

        Exception repeated = SLoraException.Repeat(error);

        Assert.That(repeated, Is.InstanceOf<SLoraException>().And.Not.SameAs(error).And.InnerException.SameAs(error));
        Assert.That(repeated, Has.Property("Code").EqualTo("host.error").And.Message.EqualTo("Not today."));
    }

    [Test]
    public void Every_error_that_many_can_wait_for_repeats_as_its_own_type()
    {
        SLoraException[] errors =
        [
            new AdapterLoadException("a", LoadErrorKind.Config, "is no adapter"), new AdapterNotFoundException("a"),
            new AdapterTooLargeException("a", 1, 2, 3, 4),
            new EngineDisposedException(), new EngineFaultedException(new FormatException()),
            new AdapterChangedException("a", "its folder", new AdapterIdentity(null, new byte[32], null),
                new AdapterIdentity(new GenerationId(1, 2), new byte[32], null)),
        ];
        foreach (SLoraException error in errors)
        {
            Exception repeated = SLoraException.Repeat(error);
            Assert.That(repeated, Is.TypeOf(error.GetType()).And.Not.SameAs(error).And.Message.EqualTo(error.Message).And.Property("Code")
                .EqualTo(error.Code));
            foreach (PropertyInfo property in error.GetType()
                .GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            {
                Assert.That(property.GetValue(repeated), Is.EqualTo(property.GetValue(error)), property.Name);
            }
        }
    }

    private static void AssertOwn<T>(IReadOnlyList<Exception?> errors)
    {
        Assert.That(errors, Is.All.InstanceOf<T>());
        Assert.That(errors.Distinct(ReferenceEqualityComparer.Instance).Count(), Is.EqualTo(errors.Count), "one object each");
        Assert.That(errors.Max(error => error!.StackTrace!.Length), Is.LessThan(LongestTrace));
    }

    private static Exception? Error(Task task)
    {
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        return task.Exception?.InnerException;
    }

    private sealed class HostException() : SLoraException("host.error", ErrorCategory.Server, "Not today.");
}
