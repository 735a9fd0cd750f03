using FsCheck;
using FsCheck.Fluent;
using SLoRA.Text.Tokenization;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>Stop strings: where the text arrives cut makes no difference, and no part of one is given.</summary>
public sealed class StopStringsTests
{
    [Test]
    public void The_text_before_the_first_completed_stop_is_given_however_it_is_cut()
    {
        Gen<string> letters = Gen.Elements("a", "b", "c").ListOf().Select(string.Concat);
        var cases =
            from stops in letters.Select(s => s.Length > 4 ? s[..4] : s).ListOf(3)
            from pieces in letters.ListOf()
            select (Stops: (IReadOnlyList<string>)stops, Pieces: (IReadOnlyList<string>)pieces);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(8).WithReplay(5, 77), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var stream = new StopStrings(c.Stops);
            string given = "";
            foreach (string piece in c.Pieces)
            {
                if (stream.Met is null) given += stream.Filter(piece).ToString();
            }

            if (stream.Met is null) given += stream.FilterLast("").ToString();
            return given == Expected(string.Concat(c.Pieces), c.Stops, out string? met) && stream.Met == met;
        }));
    }

    [Test]
    public void Text_that_cannot_become_a_stop_is_given_at_once()
    {
        var stops = new StopStrings(["STOP"]);
        Assert.That(stops.Filter("a ST").ToString(), Is.EqualTo("a "));
        Assert.That(stops.Filter("x").ToString(), Is.EqualTo("STx"));
        Assert.That(stops.Filter("STOP more").ToString(), Is.Empty);
        Assert.That(stops.Met, Is.EqualTo("STOP"));
    }

    private static string Expected(string text, IReadOnlyList<string> stops, out string? met)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            met = stops.Where(s => s.Length > 0 && text[..end].EndsWith(s, StringComparison.Ordinal)).MaxBy(s => s.Length);
            if (met is not null) return text[..(end - met.Length)];
        }

        met = null;
        return text;
    }
}
