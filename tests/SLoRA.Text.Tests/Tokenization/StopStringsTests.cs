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
            from stops in letters.Select(s => s.Length > 4 ? s[..4] : s + "a").ListOf(3)
            from pieces in letters.ListOf()
            select (Stops: (IReadOnlyList<string>)stops, Pieces: (IReadOnlyList<string>)pieces);
        PropertySeed.Check(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(8), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var stream = new StopFilter(new StopStrings(c.Stops));
            string given = "";
            foreach (string piece in c.Pieces)
            {
                if (stream.Met is null)
                {
                    given += stream.Filter(piece, piece).ToString();
                }
            }

            if (stream.Met is null)
            {
                given += stream.FilterLast("", "").ToString();
            }

            return given == Expected(string.Concat(c.Pieces), c.Stops, out string? met) && stream.Met == met;
        }));
    }

    // Pieces in capitals stand for special tokens: they are watched, and not shown.
    [Test]
    public void What_is_not_shown_counts_and_no_part_of_a_stop_is_given()
    {
        Gen<string> letters = Gen.Elements("a", "b", "A", "B").ListOf().Select(string.Concat);
        var cases =
            from stops in letters.Select(s => s.Length > 4 ? s[..4] : s + "a").ListOf(3)
            from pieces in Gen.Elements("a", "b", "ab", "ba", "A", "B", "").ListOf()
            select (Stops: (IReadOnlyList<string>)stops, Pieces: (IReadOnlyList<string>)pieces);
        PropertySeed.Check(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(12), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var stream = new StopFilter(new StopStrings(c.Stops));
            string given = "", watched = "";
            foreach (string piece in c.Pieces.TakeWhile(_ => stream.Met is null))
            {
                watched += piece;
                given += stream.Filter(piece, Shown(piece)).ToString();
            }

            string rest = stream.Met is null ? stream.FilterLast("", "").ToString() : "";
            string before = Expected(watched, c.Stops, out string? met);
            string shown = Expected(Shown(watched), c.Stops, out string? alsoMet);
            string expected = met is null ? shown : Shown(before).Length < shown.Length ? Shown(before) : shown;
            return given + rest == expected && (stream.Met is null) == (met is null && alsoMet is null);
        }));
    }

    [Test]
    public void Text_that_cannot_become_a_stop_is_given_at_once()
    {
        var stops = new StopFilter(new StopStrings(["STOP"]));
        Assert.That(stops.Filter("a ST", "a ST").ToString(), Is.EqualTo("a "));
        Assert.That(stops.Filter("x", "x").ToString(), Is.EqualTo("STx"));
        Assert.That(stops.Filter("STOP more", "STOP more").ToString(), Is.Empty);
        Assert.That(stops.Met, Is.EqualTo("STOP"));
    }

    [Test]
    public void Text_that_is_watched_and_shown_differently_is_held_back_from_where_it_differs()
    {
        var stops = new StopFilter(new StopStrings(["b?c"]));
        Assert.That(stops.Filter("ab??", "ab!").ToString(), Is.EqualTo("ab!"));
        Assert.That(stops.Filter("b?", "b!").ToString(), Is.Empty);
        Assert.That(stops.Filter("d", "d").ToString(), Is.EqualTo("b!d"));
        Assert.That(stops.Filter("b?c", "b!c").ToString(), Is.Empty);
    }

    private static string Shown(string text) => string.Concat(text.Where(char.IsLower));

    private static string Expected(string text, IReadOnlyList<string> stops, out string? met)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            met = stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).MaxBy(s => s.Length);
            if (met is not null)
            {
                return text[..(end - met.Length)];
            }
        }

        met = null;
        return text;
    }
}
