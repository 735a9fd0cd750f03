namespace SLoRA.Text.Tests;

/// <summary>Stop strings end a continuation at the token that completes them, wherever token borders lie.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StopStringConditionTests
{
    private static readonly ModelTokenizer Tokenizer = ModelTokenizer.Load(Path.Combine(RepositoryFolder.Demo, "model"));

    [TestCase("We are open from 6:30 am", "open from", "We are ")]
    [TestCase("We are open from 6:30 am", "en fr", "We are op")]
    [TestCase("We are open from 6:30 am", "W", "")]
    [TestCase("café — naïve", "é —", "caf")]
    [TestCase("It is over<|im_end|>\n<|im_start|>user", "<|im_end|>", "It is over")]
    [TestCase("It is over<|im_end|>\n<|im_start|>user", "over<|im_end|>", "It is ")]
    [TestCase("It is over<|im_end|>\n<|im_start|>user", "r<|im_end|>\n<|im_start|>u", "It is ove")]
    [TestCase("It is over<|im_end|>\n<|im_start|>user", "_end|>\n<|im", "It is over")]
    [TestCase("It is <|im_start|>over<|im_start|> now", "is over", "It ")]
    public void The_condition_and_the_stream_stop_at_the_same_token(string text, string stop, string shown)
    {
        int[] ids = Tokenizer.Encode(text, addSpecialTokens: false);
        IStopMatcher condition = Tokenizer.CreateStopCondition(["never met", stop]).Begin([], 0);
        TextStream stream = Tokenizer.CreateStream(stopStrings: ["never met", stop]);
        string given = "";
        int met = -1;
        for (int i = 0; i < ids.Length && met < 0; i++)
        {
            given += stream.Append(ids[i]).ToString();
            met = condition.IsMet(ids[i]) ? i : -1;
            Assert.That(stream.IsStopped, Is.EqualTo(met >= 0));
        }

        Assert.That(met, Is.GreaterThanOrEqualTo(0), "met");
        Assert.That(stream.StopString, Is.EqualTo(stop));
        Assert.That(given + stream.Finish().ToString(), Is.EqualTo(shown));
    }

    [Test]
    public void What_is_shown_stays_without_special_tokens()
    {
        int[] ids = Tokenizer.Encode("a<|im_start|>b<|im_end|> c<|im", addSpecialTokens: false);
        TextStream stream = Tokenizer.CreateStream(stopStrings: ["<|im_end|>d", "<|im_start|>x"]);
        string given = "";
        foreach (int id in ids)
        {
            given += stream.Append(id).ToString();
        }

        Assert.That(stream.IsStopped, Is.False);
        Assert.That(given + stream.Finish().ToString(), Is.EqualTo("ab c<|im"));
    }

    [Test]
    public void Continuations_end_each_by_itself()
    {
        int end = Tokenizer.TokenToId("<|im_end|>")!.Value;
        int[] ids = Tokenizer.Encode("ab", addSpecialTokens: false);
        StopStringCondition condition = Tokenizer.CreateStopCondition(["abab", "b<|im_end|>"]);
        IStopMatcher first = condition.Begin([], 0);
        IStopMatcher second = condition.Begin([], 1);

        Assert.That(ids.Select(first.IsMet).Concat(ids.Select(second.IsMet)).ToArray(), Is.All.False);
        Assert.That(ids.Select(second.IsMet).ToArray()[^1], Is.True);
        Assert.That(first.IsMet(end), Is.True);
    }

    [Test]
    public void One_condition_serves_one_request_after_another()
    {
        int[] ids = Tokenizer.Encode("to stop", addSpecialTokens: false);
        StopStringCondition condition = Tokenizer.CreateStopCondition(["stop"]);

        for (int request = 0; request < 3; request++)
        {
            IStopMatcher matcher = condition.Begin([1, 2], 0);
            Assert.That(ids.Select(matcher.IsMet).ToArray(), Has.Exactly(1).True);
        }

        Assert.That(((IStopCondition)condition).Reason, Is.EqualTo(FinishReason.StopString));
    }

    [Test]
    public void An_empty_list_is_a_list_of_none_and_an_empty_string_is_refused_everywhere()
    {
        IStopMatcher never = Tokenizer.CreateStopCondition([]).Begin([], 0);
        Assert.That(Enumerable.Range(0, 50).Select(never.IsMet).ToArray(), Is.All.False);
        Assert.That(Tokenizer.CreateStream(stopStrings: []).IsStopped, Is.False);

        string[][] wrong = [["a", ""], ["a", null!], [new string('a', 70_000)], [.. Enumerable.Range(0, 20_000).Select(i => $"stop{i}")]];
        foreach (string[] stops in wrong)
        {
            Assert.That(() => Tokenizer.CreateStopCondition(stops), Throws.ArgumentException);
            Assert.That(() => Tokenizer.CreateStream(stopStrings: stops), Throws.ArgumentException);
        }
    }
}
