using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Engine.Faults;
using SLoRA.Requests;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What becomes of the output rows of a step, with logits that the test writes.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class PublisherTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = new[] { 3, 4, 5, 6 }, MaxTokens = 5, Sampling = SamplingOptions.Greedy };

    [Test]
    public void The_largest_logit_is_written_into_the_stream_and_seen_when_it_is_published()
    {
        using var scene = new RequestScene(Scripted([7]));
        Sequence sequence = scene.Run(Question);
        scene.Publisher.Choose(Slice(sequence, rows: 1, outputs: 1), sequence);
        GenerationStream stream = sequence.Request.Stream;

        Assert.That((sequence.Count, sequence.Pending, scene.Publisher.Chosen), Is.EqualTo((5, 1, 1)));
        Assert.That(sequence.Next(1).ToArray(), Is.EqualTo(new[] { 7 }));
        Assert.That((stream.Unread, stream.Published), Is.EqualTo((1, 0)));
        scene.Publisher.Publish(sequence.Request);
        Assert.That((stream.Unread, stream.Published), Is.EqualTo((1, 1)));
    }

    /// <summary>Three rows of a prompt of four, two of them with logits: there is one more to compute before a token is chosen.</summary>
    [Test]
    public void Rows_before_the_last_are_shown_to_who_asked_and_choose_nothing()
    {
        using var scene = new RequestScene(Scripted([8, 9]));
        var tap = new Positions();
        Sequence sequence = scene.Add(Question with { Tap = tap });
        scene.Requests.Admit();
        sequence.Begin();
        sequence.Table.Extend(4);
        scene.Publisher.Choose(Slice(sequence, rows: 3, outputs: 2), sequence);

        Assert.That(tap.Seen, Is.EqualTo(new[] { (1, 8), (2, 9) }));
        Assert.That((sequence.Count, sequence.Pending, sequence.Request.Stream.Unread), Is.EqualTo((4, 1, 0)));
    }

    [Test]
    public void Continuations_fork_at_the_first_token_and_all_draw_from_the_same_logits()
    {
        using var scene = new RequestScene(Scripted([7]));
        Sequence sequence = scene.Run(Question with { Continuations = 3 });
        scene.Publisher.Choose(Slice(sequence, rows: 1, outputs: 1), sequence);

        Assert.That(scene.Requests.Running.Select(running => running.Next(1)[0]), Is.EqualTo(new[] { 7, 7, 7 }));
        Assert.That((sequence.Request.Stream.Unread, scene.Publisher.Chosen), Is.EqualTo((3, 3)));
    }

    [Test]
    public void A_stop_token_ends_the_sequence_and_its_end_alone_is_written()
    {
        using var scene = new RequestScene(Scripted([7]));
        Sequence sequence = scene.Run(Question with { StopTokens = [7] });
        scene.Publisher.Choose(Slice(sequence, rows: 1, outputs: 1), sequence);

        Assert.That(sequence.Finished, Is.EqualTo(FinishReason.StopToken));
        Assert.That((sequence.Request.Stream.Unread, scene.Publisher.Chosen), Is.EqualTo((1, 0)), "the end alone");
    }

    [Test]
    public void A_hook_that_throws_ends_its_own_request_and_the_next_slice_is_gone_through()
    {
        using var scene = new RequestScene(Scripted([7, 8]));
        Sequence failing = scene.Run(Question with { LogitsHook = new ThrowingHook() });
        Sequence other = scene.Run(Question);
        scene.Publisher.Choose(Slice(failing, rows: 1, outputs: 1), failing);
        scene.Publisher.Choose(Slice(other, rows: 1, outputs: 1) with { FirstOutput = 1 }, other);

        Assert.That(failing.Request.Error, Is.TypeOf<FormatException>());
        Assert.That(failing.Finished, Is.EqualTo(FinishReason.Failed));
        Assert.That(other.Next(1).ToArray(), Is.EqualTo(new[] { 8 }));
    }

    /// <summary>A matcher sees the token that it throws at: the consumer has it, and then the error.</summary>
    [Test]
    public void A_stop_matcher_that_throws_leaves_its_token_to_the_consumer()
    {
        using var scene = new RequestScene(Scripted([7]));
        int calls = 0;
        Sequence sequence = scene.Run(
            Question with { StopCondition = new FaultyHost(_ => throw new FormatException("The matcher is broken.")) });
        for (; sequence.Finished is null; calls++)
        {
            sequence.Table.Extend(sequence.Count);
            scene.Publisher.Choose(Slice(sequence, rows: 1, outputs: 1), sequence);
        }

        scene.Publisher.Publish(sequence.Request);
        Assert.That((calls, sequence.Request.Stream.Published), Is.EqualTo((3, 3)));
        Assert.That(sequence.Request.Error, Is.TypeOf<FormatException>());
    }

    [Test]
    public void A_sequence_that_a_sibling_has_ended_in_this_step_asks_nobody_any_more()
    {
        using var scene = new RequestScene(Scripted([7]));
        Sequence sequence = scene.Run(Question with { LogitsHook = new ThrowingHook() });
        sequence.Finish(FinishReason.Cancelled);
        scene.Publisher.Choose(Slice(sequence, rows: 1, outputs: 1), sequence);

        Assert.That((sequence.Request.Error, sequence.Count), Is.EqualTo(((Exception?)null, 4)));
    }

    [Test]
    public void What_the_device_has_chosen_is_taken_without_looking_at_logits_where_nobody_needs_them()
    {
        using var scene = new RequestScene(Scripted([7], chosen: 12));
        Sequence plain = scene.Run(Question);
        Sequence tapped = scene.Run(Question with { Tap = new Positions() });
        Sequence hooked = scene.Run(Question with { LogitsHook = new ThrowingHook() });
        var plan = new StepPlan(8, 8);
        Sequence[] sequences = [plain, tapped, hooked];
        foreach (Sequence sequence in sequences)
        {
            plan.AddSlice(sequence.Next(1), sequence.Computed, sequence.Table.PagesOf(4), 1);
        }

        scene.Publisher.Describe(plan, sequences);
        scene.Publisher.Choose(plan.Slices[0], plain);

        Assert.That(plan.Choices.Items.ToArray().Select(choice => choice.Output), Is.EqualTo(new[] { 0 }));
        Assert.That(plain.Next(1).ToArray(), Is.EqualTo(new[] { 12 }));
    }

    private static Func<IBackend, IBackend> Scripted(int[] largest, int chosen = -1) =>
        inner => new ScriptedLogits(inner, largest, chosen);

    /// <summary>The next rows of a sequence, the last of which have logits.</summary>
    private static StepSlice Slice(Sequence sequence, int rows, int outputs) => new(0, rows, sequence.Computed, 0, 1, 0, outputs);

    /// <summary>A device whose output rows have one large logit each, at the place that the test says.</summary>
    private sealed class ScriptedLogits(IBackend inner, int[] largest, int chosen) : ForwardingBackend(inner)
    {
        public override bool ChoosesTokens => chosen >= 0;

        public override int Chosen(int output) => chosen;

        public override Span<float> Logits(DeviceRows logits, int output)
        {
            var row = new float[logits.Width];
            row[largest[output]] = 1;
            return row;
        }
    }

    private sealed class ThrowingHook : ILogitsHook
    {
        public void Apply(LogitsContext context, Span<float> logits) => throw new FormatException("The hook is broken.");
    }

    /// <summary>Notes positions, and where the largest logit of each stands.</summary>
    private sealed class Positions : LogitsTap
    {
        public List<(int Position, int Largest)> Seen { get; } = [];

        public override bool WholePrompt => true;

        public override void Take(int position, ReadOnlySpan<float> logits) => Seen.Add((position, logits.IndexOf(logits.ToArray().Max())));
    }
}
