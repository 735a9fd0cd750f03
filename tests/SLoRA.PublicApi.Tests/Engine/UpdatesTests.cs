namespace SLoRA.PublicApi.Tests.Engine;

/// <summary>The stream's second view: tokens with the end of each continuation in its place.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class UpdatesTests
{
    [Test]
    public async Task A_stop_token_ends_a_continuation_and_is_told_but_is_no_token_of_it()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        GenerationRequest request = Demo.Request("bakery");
        List<GenerationUpdate> updates = await ReadAsync(engine.GenerateAsync(request));
        ContinuationEnd end = updates[^1].End!;
        Assert.Multiple(() =>
        {
            Assert.That(updates[..^1], Is.Not.Empty.And.All.Property(nameof(GenerationUpdate.End)).Null);
            Assert.That(end.Reason, Is.EqualTo(FinishReason.StopToken));
            Assert.That(end.StopToken, Is.AnyOf([.. engine.Model.EndOfTextTokens.Cast<object>()]));
            Assert.That(end.StopString, Is.Null);
            Assert.That(end.Tokens, Is.EqualTo(updates.Count - 1));
        });
    }

    [Test]
    public async Task The_end_that_a_stop_string_makes_names_it()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        string answer = await engine.AskAsync(Demo.Request("bakery"));
        string stop = answer[10..14];
        GenerationRequest request =
            Demo.Request("bakery") with { StopCondition = Demo.Tokenizer.CreateStopCondition([stop, "never said"]) };
        ContinuationEnd end = (await ReadAsync(engine.GenerateAsync(request)))[^1].End!;
        Assert.That((end.Reason, end.StopString, end.StopToken), Is.EqualTo((FinishReason.StopString, stop, (int?)null)));
    }

    [Test]
    public async Task Each_continuation_is_ended_where_it_ends_while_the_others_go_on()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        GenerationRequest request = Demo.Request(null, maxTokens: 40) with
        {
            Continuations = 3,
            IgnoreEndOfText = true,
            StopCondition = new AfterTokens([5, 40, 12]),
        };
        List<GenerationUpdate> updates = await ReadAsync(engine.GenerateAsync(request));
        Assert.Multiple(() =>
        {
            Assert.That(
                updates.Select(update => update.End).OfType<ContinuationEnd>().Select(end => (end.Continuation, end.Tokens, end.Reason)),
                Is.EqualTo(new[]
                {
                    (0, 5, FinishReason.StopCondition), (2, 12, FinishReason.StopCondition), (1, 40, FinishReason.StopCondition),
                }));
            for (int continuation = 0; continuation < 3; continuation++)
            {
                List<GenerationUpdate> own = [.. updates.Where(update => update.Continuation == continuation)];
                Assert.That(own.FindIndex(update => update.End is not null), Is.EqualTo(own.Count - 1), "nothing follows an end");
            }
        });
    }

    [Test]
    public async Task Tokens_alone_are_the_same_without_the_ends()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        GenerationRequest request = Demo.Request("bakery") with { Continuations = 2 };
        List<GenerationUpdate> updates = await ReadAsync(engine.GenerateAsync(request));
        var tokens = new List<GeneratedToken>();
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            tokens.Add(token);
        }

        Assert.That(updates.Where(update => update.End is null)
            .Select(update => update.Token.Id), Is.EquivalentTo(tokens.Select(t => t.Id)));
    }

    [Test]
    public async Task A_small_buffer_holds_up_no_end()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(
            builder => builder.ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1));
        List<GenerationUpdate> updates = await ReadAsync(engine.GenerateAsync(Demo.Endless(maxTokens: 7) with { Continuations = 4 }));
        Assert.That(updates.Count(update => update.End is { Reason: FinishReason.Length, Tokens: 7 }), Is.EqualTo(4));
        Assert.That(updates, Has.Count.EqualTo(4 * 8));
    }

    [Test]
    public async Task A_whole_answer_has_every_continuation_with_its_end_and_the_usage()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        GenerationResult whole = await engine.CompleteAsync(Demo.Request("bakery") with { Continuations = 2 });
        Assert.Multiple(() =>
        {
            Assert.That(whole.Continuations, Has.Count.EqualTo(2));
            Assert.That(whole.Continuations.Sum(each => each.Tokens.Count), Is.EqualTo(whole.Usage.GeneratedTokens).And.GreaterThan(2));
            Assert.That(
                whole.Continuations.Select(each => each.End.Tokens), Is.EqualTo(whole.Continuations.Select(each => each.Tokens.Count)));
            Assert.That(whole.Continuations.Select(each => each.End.Continuation), Is.EqualTo(new[] { 0, 1 }));
            Assert.That(whole.Usage.Generations, Is.EqualTo(engine.Adapters.List().Select(adapter => adapter.Generation)));
        });
    }

    [Test]
    public async Task What_ends_a_request_early_is_thrown_by_the_whole_answer_too()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        GenerationRequest late = Demo.Endless(maxTokens: 900) with { Deadline = TimeSpan.FromTicks(1) };
        Assert.That(async () => await engine.CompleteAsync(late), Throws.TypeOf<DeadlineExceededException>());
        GenerationStream stream = engine.GenerateAsync(late);
        Assert.That(async () => await ReadAsync(stream), Throws.TypeOf<DeadlineExceededException>());
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Deadline));
    }

    private static async Task<List<GenerationUpdate>> ReadAsync(GenerationStream stream)
    {
        var updates = new List<GenerationUpdate>();
        await foreach (GenerationUpdate update in stream.Updates)
        {
            updates.Add(update);
        }

        return updates;
    }

    /// <summary>Ends each continuation after so many tokens.</summary>
    private sealed class AfterTokens(int[] counts) : IStopCondition
    {
        public IStopMatcher Begin(ReadOnlySpan<int> prompt, int continuation) => new Matcher(counts[continuation]);

        private sealed class Matcher(int count) : IStopMatcher
        {
            private int _seen;

            public bool IsMet(int token) => ++_seen == count;
        }
    }
}
