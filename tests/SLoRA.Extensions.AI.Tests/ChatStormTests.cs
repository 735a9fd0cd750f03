using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Extensions.AI.Tests;

/// <summary>
/// One engine behind clients on many threads: conversations on any model, through middleware and without, left and cancelled anywhere,
/// while adapters are replaced, removed and registered. Whatever comes whole is the right answer, and everything is given back.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChatStormTests
{
    private const string Question = "When are you open?";
    private static readonly string?[] Models = [null, "bakery", "hotel", "guest"];

    [TestCase(1)]
    [TestCase(2)]
    public async Task Whoever_is_answered_gets_the_right_answer_and_everything_is_given_back(int seed)
    {
        await using LoraServingEngine engine = await BuildAsync();
        Dictionary<string, string> expected = await AloneAsync(engine);
        int inUse = engine.Status.Pool.CacheInUse;
        LoraChatClient client = engine.AsChatClient();
        using IChatClient cached = client.AsBuilder().UseFunctionInvocation()
            .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()))).Build();
        int answered = 0;
        Task[] askers =
        [
            .. Enumerable.Range(0, 16).Select(asker => Task.Run(async () =>
            {
                var random = new Random((seed * 100) + asker);
                for (int i = 0; i < 12; i++)
                {
                    IChatClient asked = random.Next(4) == 0 ? cached : client;
                    string? model = Models[random.Next(Models.Length)];
                    string? text = await AskAsync(asked, model, random.Next(4) == 0 ? random.Next(6) : int.MaxValue, random.Next(2) == 0);
                    if (text is not null)
                    {
                        Assert.That(text, Is.EqualTo(expected[model ?? ""]), model);
                        Interlocked.Increment(ref answered);
                    }
                }
            })),
        ];
        Task changing = Task.Run(async () =>
        {
            while (!askers.All(task => task.IsCompleted))
            {
                await engine.Adapters.UnregisterAsync("guest");
                await engine.Adapters.ReplaceAsync("bakery", Folder("bakery"));
                await engine.Adapters.RegisterAsync("guest", Folder("hotel"));
            }
        });
        await Task.WhenAll([.. askers, changing]);

        // Computed in steps behind the end of all others.
        await client.GetResponseAsync("Hello!", new ChatOptions { MaxOutputTokens = 1 });
        EngineStatus status = engine.Status;
        Assert.That((status.Running, status.Waiting, status.Pool.CacheInUse), Is.EqualTo((0, 0, inUse)));
        Assert.That(answered, Is.GreaterThan(50));
    }

    [Test]
    public async Task An_engine_that_is_disposed_of_ends_every_stream_and_refuses_the_next()
    {
        LoraServingEngine engine = await BuildAsync();
        LoraChatClient client = engine.AsChatClient();
        var begun = new CountdownEvent(24);
        Task[] streams =
        [
            .. Enumerable.Range(0, 24).Select(i => Task.Run(async () =>
            {
                bool isFirst = true;
                var endless = new ChatOptions
                {
                    ModelId = Models[i % 3],
                    AdditionalProperties = new() { ["slora.ignore_eos"] = true },
                };
                try
                {
                    await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(Question, endless))
                    {
                        if (isFirst)
                        {
                            isFirst = false;
                            begun.Signal();
                        }
                    }
                }
                catch (EngineDisposedException)
                {
                }
            })),
        ];
        await Task.WhenAny(Task.Run(begun.Wait), Task.WhenAll(streams));
        await engine.DisposeAsync();
        await Task.WhenAll(streams);
        await Assert.CatchAsync<SLoraException>(() => client.GetResponseAsync(Question));
        begun.Dispose();
    }

    /// <summary>The whole answer; null where it was left, or the model was not there.</summary>
    private static async Task<string?> AskAsync(IChatClient client, string? model, int updates, bool cancels)
    {
        using var cancellation = new CancellationTokenSource();
        var options = new ChatOptions { ModelId = model, MaxOutputTokens = 96 };
        string text = "";
        try
        {
            if (updates == 0)
            {
                await cancellation.CancelAsync();
            }

            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(Question, options, cancellation.Token))
            {
                text += update.Text;
                if (--updates <= 0 && !cancels)
                {
                    return null;
                }

                if (updates <= 0)
                {
                    await cancellation.CancelAsync();
                }
            }

            return text;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (ModelNotFoundException error)
        {
            Assert.That((model, error.ModelId), Is.EqualTo(("guest", "guest")));
            return null;
        }
    }

    private static async Task<Dictionary<string, string>> AloneAsync(LoraServingEngine engine)
    {
        var alone = new Dictionary<string, string>();
        foreach (string? model in Models)
        {
            alone[model ?? ""] = (await engine.AsChatClient().GetResponseAsync(
                Question, new ChatOptions { ModelId = model, MaxOutputTokens = 96 })).Text;
        }

        return alone;
    }

    private static async Task<LoraServingEngine> BuildAsync()
    {
        LoraServingEngine engine = await DemoModel.BuildAsync();
        await engine.Adapters.RegisterAsync("guest", Folder("hotel"));
        return engine;
    }

    private static string Folder(string adapter) => Path.Combine(DemoModel.Folder, "adapters", adapter);
}
