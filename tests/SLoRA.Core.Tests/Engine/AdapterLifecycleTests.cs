using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What registering, replacing and removing adapters means for requests that wait, run or come later.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterLifecycleTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    /// <summary>Runs on while adapters change.</summary>
    private static readonly GenerationRequest LongQuestion = Question with { MaxTokens = 200 };

    [Test]
    public void An_adapter_registered_by_its_headers_is_read_at_its_first_use()
    {
        using var engine = new SteppedEngine();
        engine.Run(engine.Adapters.RegisterAsync("a", SteppedEngine.AdapterFolder("qv")));
        Assert.That(engine.Adapters.List().Single(), Has.Property("Generation").Null.And.Property("IsResident").False);

        IReadOnlyList<int> tokens = AnswerOf(engine, "a");

        Assert.That(tokens, Is.EqualTo(Fresh("qv")));
        Assert.That(engine.Adapters.List()
            .Single(), Has.Property("Generation").Not.Null.And.Property("IsResident").True.And.Property("Requests").EqualTo(0));
    }

    [Test]
    public void A_replaced_name_serves_the_new_content_and_running_requests_end_on_the_old()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer old = engine.Ask(LongQuestion with { Adapter = "qv" });
        engine.Loop.Step();
        engine.Loop.Step();
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        Answer young = engine.Ask(Question with { Adapter = "qv" });
        Assert.That(old.Stream.FinishReason, Is.Null, "the old request still runs");
        engine.Finish(old, young);

        Assert.That(old.Tokens, Is.EqualTo(Fresh("qv", LongQuestion)));
        Assert.That(young.Tokens, Is.EqualTo(Fresh("rslora")));
        Assert.That(Fresh("qv"), Is.Not.EqualTo(Fresh("rslora")), "the adapters answer differently");
    }

    [Test]
    public void The_old_content_is_gone_when_its_last_request_has_ended()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer old = engine.Ask(LongQuestion with { Adapter = "qv" });
        engine.Loop.Step();
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(2));

        engine.Finish(old);

        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1));
    }

    [Test]
    public void A_removed_name_fails_new_requests_and_lets_old_ones_end()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer running = engine.Ask(LongQuestion with { Adapter = "qv" });
        engine.Loop.Step();
        Assert.That(engine.Run(engine.Adapters.UnregisterAsync("qv")), Is.True);
        Answer late = engine.Ask(Question with { Adapter = "qv" });
        engine.Finish(running, late);

        Assert.That(running.Tokens, Is.EqualTo(Fresh("qv", LongQuestion)));
        Assert.That(late.Error, Is.TypeOf<AdapterNotFoundException>().With.Property("Adapter").EqualTo("qv"));
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(0));
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public void Removing_a_name_twice_says_so()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        engine.Run(engine.Adapters.UnregisterAsync("qv"));

        Assert.That(engine.Run(engine.Adapters.UnregisterAsync("qv")), Is.False);
    }

    [Test]
    public void A_taken_name_is_not_registered_again()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);

        Assert.That(
            () => engine.Run(engine.Adapters.RegisterAsync("qv", SteppedEngine.AdapterFolder("rslora"))),
            Throws.TypeOf<AdapterExistsException>().With.Property("Adapter").EqualTo("qv"));
        Assert.That(AnswerOf(engine, "qv"), Is.EqualTo(Fresh("qv")));
    }

    [Test]
    public void The_same_content_under_two_names_shares_generation_and_pages()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        engine.Run(engine.Adapters.RegisterAsync("again", SteppedEngine.AdapterFolder("qv"), AdapterValidation.Content));
        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(1));

        Answer first = engine.Ask(Question with { Adapter = "qv" });
        Answer second = engine.Ask(Question with { Adapter = "again" });
        engine.Finish(first, second);

        Assert.That(second.Tokens, Is.EqualTo(first.Tokens));
        Assert.That(engine.Loop.DeviceCache.Resident, Has.Count.EqualTo(1));
    }

    [Test]
    public void An_adapter_whose_files_have_vanished_fails_the_requests_that_wait_for_it_and_no_other()
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(SteppedEngine.AdapterFolder("qv")))
        {
            folder.Write(Path.GetFileName(file), File.ReadAllBytes(file));
        }

        using var engine = new SteppedEngine(adapters: ["rslora"]);
        engine.Run(engine.Adapters.RegisterAsync("gone", folder.Path));
        File.Delete(Path.Combine(folder.Path, "adapter_model.safetensors"));
        Answer failing = engine.Ask(Question with { Adapter = "gone" });
        Answer other = engine.Ask(Question with { Adapter = "rslora" });
        engine.Finish(failing, other);

        Assert.That(failing.Error, Is.TypeOf<AdapterLoadException>().With.Property("Kind").EqualTo(LoadErrorKind.File));
        Assert.That(failing.Stream.FinishReason, Is.EqualTo(FinishReason.Failed));
        Assert.That(other.Tokens, Is.EqualTo(Fresh("rslora")));
        Assert.That(engine.Adapters.List().Single(adapter => adapter.Name == "gone").Requests, Is.EqualTo(0));
    }

    [Test]
    public void The_engine_can_end_while_content_is_being_read()
    {
        for (int i = 0; i < 20; i++)
        {
            // This adapter carries copies of base matrices, which are compared with the mapped model while it is read.
            var engine = new SteppedEngine();
            engine.Run(engine.Adapters.RegisterAsync("a", SteppedEngine.AdapterFolder("embed-and-head")));
            Answer answer = engine.Ask(Question with { Adapter = "a" });
            engine.Loop.Step();
            engine.Dispose();

            Assert.That(answer.Error, Is.TypeOf<EngineDisposedException>());
        }
    }

    [Test]
    public void Idle_adapters_make_room_for_others_and_come_back_with_the_same_bytes()
    {
        // Room for one request and its adapter, not for all adapters at once.
        using var engine =
            new SteppedEngine(builder => builder.ConfigurePool(pool => pool.Bytes = 40 * 12288), adapters: SteppedEngine.AllAdapterNames);
        Dictionary<string, IReadOnlyList<int>> first =
            SteppedEngine.AllAdapterNames.ToDictionary(name => name, name => AnswerOf(engine, name));

        Assert.That(engine.Loop.DeviceCache.Resident.Count, Is.LessThan(SteppedEngine.AllAdapterNames.Count), "something was evicted");
        Assert.Multiple(() =>
        {
            foreach (string name in SteppedEngine.AllAdapterNames)
            {
                Assert.That(first[name], Is.EqualTo(Fresh(name)), name);
                Assert.That(AnswerOf(engine, name), Is.EqualTo(first[name]), name);
            }
        });
    }

    [TestCase(50)]
    [TestCase(1000, Category = "Long")]
    public void Cycles_of_register_use_and_remove_leave_nothing_behind(int cycles)
    {
        using var engine = new SteppedEngine();
        IReadOnlyList<int> expected = Fresh("r1");
        GenerationRequest question = Question with { MaxTokens = 1, Adapter = "a" };
        for (int i = 0; i < cycles; i++)
        {
            engine.Run(engine.Adapters.RegisterAsync("a", SteppedEngine.AdapterFolder("r1")));
            Answer answer = engine.Ask(question);
            engine.Finish(answer);
            Assert.That(answer.Tokens[0], Is.EqualTo(expected[0]));
            engine.Run(engine.Adapters.UnregisterAsync("a"));
        }

        Assert.That(engine.Loop.Generations.Count, Is.EqualTo(0));
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public void Tensors_of_the_host_program_answer_as_the_folder_does()
    {
        using var engine = new SteppedEngine();
        engine.Run(engine.Adapters.RegisterTensorsAsync("mine", TestTensors.Of("qv")));

        Assert.That(AnswerOf(engine, "mine"), Is.EqualTo(Fresh("qv")));
    }

    private static IReadOnlyList<int> AnswerOf(SteppedEngine engine, string adapter, GenerationRequest? question = null)
    {
        Answer answer = engine.Ask((question ?? Question) with { Adapter = adapter });
        engine.Finish(answer);
        return answer.Tokens;
    }

    /// <summary>The answer of an engine that has seen nothing else.</summary>
    private static IReadOnlyList<int> Fresh(string adapter, GenerationRequest? question = null)
    {
        using var engine = new SteppedEngine(adapters: [adapter]);
        return AnswerOf(engine, adapter, question);
    }
}
