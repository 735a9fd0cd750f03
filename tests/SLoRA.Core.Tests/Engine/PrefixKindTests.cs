using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What was computed before is used again by models of every kind, and gives the same bits.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PrefixKindTests
{
    /// <summary>Every kind of model with every kind of adapter that it serves.</summary>
    private static readonly object[][] Kinds =
    [
        .. ModelKind.All.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .SelectMany(pair => pair.Value.LoneContents.Prepend(pair.Value.Contents[0]).Distinct()
                .Select(content => new[] { pair.Key, content })),
    ];

    /// <summary>Conversations that begin alike, under the base and adapters, whose turns run beside each other.</summary>
    [TestCaseSource(nameof(Kinds))]
    public void Conversations_have_the_same_bits_as_each_turn_alone(string kind, string content)
    {
        ModelKind model = ModelKind.All[kind];
        var random = new Random(21);
        using SteppedEngine engine = Engine(model, content, reuse: true, random.NextChunk);
        using SteppedEngine oracle = Engine(model, content, reuse: false, null);
        int[] common = [.. Enumerable.Range(0, 40).Select(_ => random.Next(3, 130))];
        List<List<int>> talks = [.. Enumerable.Range(0, 5).Select(talk => (List<int>)[.. common, talk + 3])];
        for (int turn = 0; turn < 3; turn++)
        {
            var asked = new List<(int Talk, GenerationRequest Request, Answer Answer, LogitsRecord Logits)>();
            for (int talk = 0; talk < talks.Count; talk++)
            {
                talks[talk].AddRange(Enumerable.Range(0, 1 + random.Next(12)).Select(_ => random.Next(3, 130)));
                var request = new GenerationRequest
                {
                    Prompt = talks[talk].ToArray(),
                    MaxTokens = 4 + random.Next(20),
                    IgnoreEndOfText = true,
                    Adapter = talk % 2 == 0 ? null : content,
                };
                var logits = new LogitsRecord(wholePrompt: false);
                asked.Add((talk, request, engine.Ask(request with { Tap = logits }), logits));
                for (int steps = random.Next(6); steps > 0; steps--)
                {
                    engine.Loop.Step();
                }
            }

            engine.Finish(asked.Select(one => one.Answer));
            foreach ((int talk, GenerationRequest request, Answer answer, LogitsRecord logits) in asked)
            {
                var alone = new LogitsRecord(wholePrompt: false);
                Answer expected = oracle.Ask(request with { Tap = alone });
                oracle.Finish(expected);
                Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens), $"tokens of talk {talk}, turn {turn}");
                Assert.That(logits.Rows, Is.EqualTo(alone.Rows), $"logits of talk {talk}, turn {turn}");
                talks[talk].AddRange(answer.Tokens);
            }
        }

        // From the second turn on each finds most of what it said before.
        Assert.That(engine.Loop.PrefixCache!.Counters.Hits, Is.GreaterThanOrEqualTo(10));
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    private static SteppedEngine Engine(ModelKind model, string content, bool reuse, Func<int>? chunkLimit) => model.Engine(
        builder => builder.ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (4L << 20, reuse))
            .AddAdapter(content, model.AdapterFolder(content)),
        chunkLimit);
}
