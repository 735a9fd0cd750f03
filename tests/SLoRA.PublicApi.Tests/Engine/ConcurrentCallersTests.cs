namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class ConcurrentCallersTests
{
    [Test]
    public async Task Callers_of_all_tenants_and_the_base_get_their_own_answers()
    {
        const int Callers = 32;
        await using LoraServingEngine engine = await Demo.StartAsync(Demo.Tenants);

        async Task<(DemoCase Known, string Text)[]> CallAsync(int caller)
        {
            var answers = new List<(DemoCase, string)>();
            for (int i = caller; i < Demo.Cases.Count; i += Callers)
            {
                DemoCase known = Demo.Cases[i];
                var request =
                    new GenerationRequest { Prompt = Demo.Tokenizer.EncodeChat(known.Messages), Adapter = known.Adapter, MaxTokens = 96 };
                answers.Add((known, await engine.AskAsync(request)));
            }

            return [.. answers];
        }

        (DemoCase Known, string Text)[][] answers =
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller))));

        Assert.Multiple(() =>
        {
            foreach ((DemoCase known, string text) in answers.SelectMany(each => each))
            {
                Assert.That(text, Is.EqualTo(known.Text), known.Name);
            }
        });
        Assert.That(answers.Sum(each => each.Length), Is.EqualTo(Demo.Cases.Count));
        Assert.That(engine.Status.EndedRequests, Is.EqualTo(Demo.Cases.Count));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task Requests_wait_when_the_pool_is_full_and_all_finish()
    {
        // Pages for a few sequences and the adapters of one or two of them at a time.
        await using LoraServingEngine engine = await Demo.StartAsync(
            builder => builder.ConfigurePool(pool => pool.Bytes = 64 * 16384), Demo.Tenants);
        string?[] adapters = [.. Demo.Tenants, null, .. Demo.Tenants, null];

        string[] answers = await Task.WhenAll(adapters.Select(adapter => engine.AskAsync(Demo.Request(adapter))));

        Assert.That(answers, Is.EqualTo(adapters.Select(adapter => Demo.Answer(adapter))));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task Usage_and_finish_reason_say_how_it_went()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        GenerationStream stopped = engine.GenerateAsync(Demo.Request("bakery"));
        GenerationStream cut = engine.GenerateAsync(Demo.Request("bakery", maxTokens: 3));
        Assert.That(stopped.FinishReason, Is.Null);
        int tokens = await CountAsync(stopped);
        int cutTokens = await CountAsync(cut);

        Assert.Multiple(() =>
        {
            Assert.That(stopped.FinishReason, Is.EqualTo(FinishReason.StopToken));
            Assert.That(stopped.Usage!.GeneratedTokens, Is.EqualTo(tokens));
            Assert.That(stopped.Usage.PromptTokens, Is.EqualTo(stopped.Request.Prompt.Length));
            Assert.That(cut.FinishReason, Is.EqualTo(FinishReason.Length));
            Assert.That(cutTokens, Is.EqualTo(3));
        });
    }

    private static async Task<int> CountAsync(GenerationStream stream)
    {
        int count = 0;
        await foreach (GeneratedToken token in stream)
        {
            Assert.That(token.Index, Is.EqualTo(count++));
        }

        return count;
    }
}
