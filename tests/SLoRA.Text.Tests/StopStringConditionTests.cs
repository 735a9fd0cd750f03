namespace SLoRA.Text.Tests;

/// <summary>Stop strings end a continuation at the token that completes them, wherever token borders lie.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StopStringConditionTests
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Path.Combine(RepositoryFolder.Demo, "model"));

    [TestCase("We are open from 6:30 am", "open from", "We are ")]
    [TestCase("We are open from 6:30 am", "en fr", "We are op")]
    [TestCase("We are open from 6:30 am", "W", "")]
    [TestCase("café — naïve", "é —", "caf")]
    public void The_condition_and_the_stream_stop_at_the_same_token(string text, string stop, string shown)
    {
        int[] ids = Tokenizer.Encode(text, addSpecialTokens: false);
        StopStringCondition condition = Tokenizer.CreateStopCondition([stop]);
        TextStream stream = Tokenizer.CreateStream(stopStrings: [stop]);
        string given = "";
        int met = -1;
        for (int i = 0; i < ids.Length && met < 0; i++)
        {
            given += stream.Append(ids[i]).ToString();
            met = condition.IsMet(0, ids[i]) ? i : -1;
            Assert.That(stream.IsStopped, Is.EqualTo(met >= 0));
        }

        Assert.That(met, Is.GreaterThanOrEqualTo(0), "met");
        Assert.That(given + stream.Finish().ToString(), Is.EqualTo(shown));
    }

    [Test]
    public void Continuations_are_told_apart()
    {
        int[] ids = Tokenizer.Encode("ab", addSpecialTokens: false);
        StopStringCondition condition = Tokenizer.CreateStopCondition(["abab"]);

        bool[] first = [.. ids.Select(id => condition.IsMet(0, id)), .. ids.Select(id => condition.IsMet(1, id))];
        bool[] second = [.. ids.Select(id => condition.IsMet(1, id))];

        Assert.That(first, Is.All.False);
        Assert.That(second[^1], Is.True);
    }

    [Test]
    public void No_string_or_an_empty_one_is_refused()
    {
        Assert.That(() => Tokenizer.CreateStopCondition([]), Throws.ArgumentException);
        Assert.That(() => Tokenizer.CreateStopCondition(["a", ""]), Throws.ArgumentException);
    }
}
