using NUnit.Framework;
using SLoRA.Core.Tests.Engine;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>An engine that prefers what it has already.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LocalityTests
{
    private static readonly string[] Adapters = ["qv", "r1", "rslora"];

    /// <summary>
    /// Eight prompts of 64 tokens in turn, many times, and pages for two of them: in the order of arrival each is gone when it is wanted
    /// again.
    /// </summary>
    [Test]
    public void Prompts_of_which_more_is_cached_go_first()
    {
        long Hits(LocalityPreference? locality)
        {
            using SteppedEngine engine = Engine(locality, pages: 14);
            Answer[] answers = [.. Enumerable.Range(0, 40).Select(i => engine.Ask(new GenerationRequest
            {
                Prompt = Enumerable.Range(i % 8 * 20, 64).Append(i).ToArray(),
                MaxTokens = 2,
                IgnoreEndOfText = true,
            }))];
            engine.Finish(answers);
            Assert.That(answers.Select(answer => answer.Tokens.Count), Is.All.EqualTo(2));
            return engine.Status.PrefixCache.HitTokens;
        }

        long without = Hits(null);
        long with = Hits(new LocalityPreference());
        TestContext.Out.WriteLine($"{with} of {40 * 65} tokens, {without} without");
        Assert.That(with, Is.GreaterThan(2 * Math.Max(without, 400)));
        Assert.That(Hits(new LocalityPreference { CachedPrefixes = false }), Is.EqualTo(without));
    }

    /// <summary>Three adapters in turn, and pages for one of them beside a request.</summary>
    [Test]
    public void Adapters_in_the_pool_go_first()
    {
        long PageIns(LocalityPreference? locality)
        {
            using SteppedEngine engine = Engine(locality, pages: 5);
            Answer[] answers = [.. Enumerable.Range(0, 24).Select(i => engine.Ask(new GenerationRequest
            {
                Prompt = new[] { 1, 2, 3 },
                MaxTokens = 2,
                IgnoreEndOfText = true,
                Adapter = Adapters[i % 3],
            }))];
            engine.Finish(answers);
            Assert.That(answers.Select(answer => answer.Tokens.Count), Is.All.EqualTo(2));
            return engine.Status.AdapterCache.PageIns;
        }

        long without = PageIns(null);
        long with = PageIns(new LocalityPreference());
        TestContext.Out.WriteLine($"{with} page-ins, {without} without");
        Assert.That(with, Is.LessThan(without / 2));
    }

    private static SteppedEngine Engine(LocalityPreference? locality, int pages) =>
        new(
            builder => builder
                .ConfigurePool(pool => pool.Bytes = pages * 12288)
                .ConfigureScheduling(scheduling => (scheduling.MaxRunning, scheduling.Policy) =
                    (1, new SchedulingPolicy { Locality = locality, Priorities = true })),
            adapters: Adapters);
}
