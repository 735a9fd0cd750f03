using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Requests;
using SLoRA.Sampling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Sequences;

[Parallelizable(ParallelScope.All)]
internal sealed class SequenceTests
{
    private const int Vocabulary = 16;

    private static readonly GenerationRequest Question =
        new() { Prompt = new[] { 3, 4, 5, 6, 7 }, MaxTokens = 3, Sampling = SamplingOptions.Greedy };

    [Test]
    public void Computed_tokens_chase_all_tokens_and_the_last_of_the_answer_is_never_computed()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question);
        sequence.Begin();
        Assert.That((sequence.Count, sequence.Computed, sequence.Pending, sequence.CacheTokens), Is.EqualTo((5, 0, 5, 7)));
        Assert.That(sequence.Next(3).ToArray(), Is.EqualTo(new[] { 3, 4, 5 }));

        sequence.Advance(3);
        Assert.That((sequence.Computed, sequence.Pending), Is.EqualTo((3, 2)));
        sequence.Advance(2);
        Sample(sequence, 9);
        Assert.That((sequence.Count, sequence.Pending), Is.EqualTo((6, 1)));
        Assert.That(sequence.Next(1).ToArray(), Is.EqualTo(new[] { 9 }));
    }

    [Test]
    public void It_holds_its_prompt_and_nothing_more_until_it_begins()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question);
        Assert.That(sequence.Next(2).ToArray(), Is.EqualTo(new[] { 3, 4 }));

        sequence.Begin();
        sequence.Begin();
        Assert.That(sequence.Next(5).ToArray(), Is.EqualTo(new[] { 3, 4, 5, 6, 7 }));
    }

    [Test]
    public void The_limit_ends_it_with_its_last_token_and_a_stop_token_without()
    {
        using var scene = new RequestScene();
        Sequence limited = scene.New(Question);
        Sequence stopped = scene.New(Question with { StopTokens = [9] });
        foreach (Sequence sequence in (Sequence[])[limited, stopped])
        {
            sequence.Begin();
            sequence.Advance(5);
        }

        for (int token = 8; limited.Finished is null; token++)
        {
            Sample(limited, token);
            limited.Advance(1);
        }

        Sample(stopped, 8);
        Sample(stopped, 9);
        Assert.That((limited.Finished, limited.Count, limited.Request.Stream.Unread), Is.EqualTo((FinishReason.Length, 8, 3 + 1)),
            "tokens and the end");
        Assert.That((stopped.Finished, stopped.Count, stopped.Request.Stream.Unread), Is.EqualTo((FinishReason.StopToken, 6, 1 + 1)),
            "tokens and the end");
    }

    [Test]
    public void Whoever_has_been_ended_from_outside_stays_ended()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question with { MaxTokens = 1 });
        sequence.Begin();
        sequence.Advance(5);
        sequence.Finish(FinishReason.Cancelled);
        sequence.Finish(FinishReason.Failed);
        Sample(sequence, 9);

        Assert.That(sequence.Finished, Is.EqualTo(FinishReason.Cancelled));
    }

    /// <summary>It is paused by what its consumer has not taken, whether the consumer could see it or not.</summary>
    [Test]
    public void Tokens_that_are_chosen_and_not_published_pause_it_too()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question);
        sequence.Begin();
        sequence.Advance(5);
        Sample(sequence, 9);

        Assert.That((sequence.IsPaused(1), sequence.IsPaused(2)), Is.EqualTo((true, false)));
        sequence.Request.Stream.Publish();
        Assert.That((sequence.IsPaused(1), sequence.IsPaused(2)), Is.EqualTo((true, false)));
    }

    [Test]
    public void Whoever_gives_up_its_pages_keeps_its_tokens_and_computes_them_again()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question);
        sequence.Begin();
        sequence.Advance(5);
        Sample(sequence, 9);
        sequence.ReleasePages();
        Assert.That((sequence.Count, sequence.Computed, sequence.Pending), Is.EqualTo((6, 0, 6)));

        sequence.Restored(4);
        Assert.That(sequence.Next(2).ToArray(), Is.EqualTo(new[] { 7, 9 }));
        sequence.Restored(2);
        Assert.That(sequence.Computed, Is.EqualTo(4), "what there is already stays");
    }

    /// <summary>Rows whose logits have been given are computed once more without those that are still to be given.</summary>
    [Test]
    public void Rows_of_a_prompt_are_shown_once_however_often_they_are_computed()
    {
        using var scene = new RequestScene();
        Sequence sequence = scene.New(Question with { Tap = new PromptTap() });
        Assert.That((sequence.WantsPromptLogits, sequence.ChunkLimit), Is.EqualTo((true, 5)));

        sequence.Advance(3);
        sequence.ReleasePages();
        Assert.That((sequence.WantsPromptLogits, sequence.ChunkLimit, sequence.Reported), Is.EqualTo((false, 3, 3)));
        sequence.Advance(3);
        Assert.That((sequence.WantsPromptLogits, sequence.ChunkLimit), Is.EqualTo((true, 2)));
        sequence.Advance(2);
        Assert.That(sequence.WantsPromptLogits, Is.False);
    }

    /// <summary>Chooses the token that the test says: it has the largest logit.</summary>
    private static void Sample(Sequence sequence, int token)
    {
        var logits = new float[Vocabulary];
        logits[token] = 1;
        sequence.Sample(logits, new SamplingScratch(Vocabulary));
    }

    private sealed class PromptTap : LogitsTap
    {
        public override bool WholePrompt => true;

        public override void Take(int position, ReadOnlySpan<float> logits)
        {
        }
    }
}
