using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

[Parallelizable(ParallelScope.All)]
public sealed class WaitingLineTests
{
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void It_is_a_list_from_which_anybody_may_leave_and_in_which_everybody_may_become_ready(int seed)
    {
        using var engine = new SteppedEngine();
        var random = new Random(seed);
        var line = new WaitingLine();
        List<(Sequence Sequence, bool IsReady)> model = [];
        for (int i = 0; i < 3000; i++)
        {
            // Long times of growing, and long times of shrinking.
            bool grows = random.Next(100) < (i / 600 % 2 == 0 ? 70 : 35);
            int at = random.Next(Math.Max(model.Count, 1));
            if (grows || model.Count == 0)
            {
                bool isReady = random.Next(3) == 0;
                Sequence sequence = New(engine);
                line.Add(sequence, isReady);
                model.Add((sequence, isReady));
            }
            else if (random.Next(3) > 0)
            {
                line.Remove(model[at].Sequence);
                model.RemoveAt(at);
            }
            else
            {
                model[at] = model[at] with { IsReady = random.Next(2) == 0 };
                line.SetReady(model[at].Sequence, model[at].IsReady);
            }

            Assert.That((line.Count, line.Ready), Is.EqualTo((model.Count, model.Count(entry => entry.IsReady))));
            Assert.That(line.First, Is.SameAs(model.Count == 0 ? null : model[0].Sequence));
            if (i % 10 == 0)
            {
                Assert.That(AllOf(line), Is.EqualTo(model.Select(entry => entry.Sequence)));
                Assert.That(ReadyOf(line), Is.EqualTo(model.Where(entry => entry.IsReady).Select(entry => entry.Sequence)));
            }
        }
    }

    [Test]
    public void One_that_leaves_while_the_line_is_walked_does_not_hide_who_stands_behind()
    {
        using var engine = new SteppedEngine();
        var line = new WaitingLine();
        Sequence[] all = [.. Enumerable.Range(0, 200).Select(_ => New(engine))];
        foreach (Sequence sequence in all)
        {
            line.Add(sequence, true);
        }

        List<Sequence> seen = [];
        int slot = -1;
        while (line.NextReady(slot) is { } next)
        {
            slot = next.Slot;
            seen.Add(next);
            line.Remove(next);
        }

        Assert.That(seen, Is.EqualTo(all));
        Assert.That(line.Count, Is.Zero);
    }

    private static List<Sequence> AllOf(WaitingLine line)
    {
        List<Sequence> all = [];
        for (int slot = -1; line.Next(slot) is { } next; slot = next.Slot)
        {
            all.Add(next);
        }

        return all;
    }

    private static List<Sequence> ReadyOf(WaitingLine line)
    {
        List<Sequence> ready = [];
        for (int slot = -1; line.NextReady(slot) is { } next; slot = next.Slot)
        {
            ready.Add(next);
        }

        return ready;
    }

    private static Sequence New(SteppedEngine engine)
    {
        GenerationStream stream = engine.Stream(new GenerationRequest { Prompt = new[] { 1 }, MaxTokens = 1 });
        return new Sequence(new RequestState(stream, [], new StopRules([], [], false, 1), 1, 1),
            new PageTable(new PagePool(1), new TableShape(16)));
    }
}
