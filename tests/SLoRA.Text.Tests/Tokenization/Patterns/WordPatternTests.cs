using FsCheck;
using FsCheck.Fluent;
using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tests.Tokenization.Patterns;

/// <summary>The written-out word patterns against the general expression engine, which is their specification.</summary>
public sealed class WordPatternTests
{
    private static readonly string[] Parts =
    [
        "a", "Z", "é", "ß", "ǅ", "ʰ", "中", "あ", "ا", "𝒜", "𐐀", "𐐨", "1", "٣", "½", "²", "Ⅷ", "𝟘", " ", "  ", "\t", "\n", "\r\n",
        "\u00A0", "\u2028", "\u0301", "\u0903", "\u20E3", "'", "'s", "'S", "'ſ", "'re", "'LL", "'d", "'x", "-",
        "/", "!", "_", "€", "😀", "👍🏽", "\u200D", "\uFFFD", "\0",
        "\uE000", "\u0378",
    ];

    public static IEnumerable<string> Expressions() => WordPattern.Known.Keys;

    [TestCaseSource(nameof(Expressions))]
    public void A_written_out_pattern_finds_what_its_expression_finds(string expression)
    {
        WordPattern written = WordPattern.Known[expression];
        var general = new ExpressionPattern(expression);
        Gen<string> texts = Gen.Elements(Parts).ListOf().Select(string.Concat);
        PropertySeed.Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(14), Prop.ForAll(
            texts.ToArbitrary(),
            text => PatternText.Pieces(written, text).SequenceEqual(PatternText.Pieces(general, text))));
    }

    [TestCaseSource(nameof(Expressions))]
    public void Every_two_characters_are_split_as_the_expression_splits_them(string expression)
    {
        WordPattern written = WordPattern.Known[expression];
        var general = new ExpressionPattern(expression);
        foreach (string first in Parts)
        {
            foreach (string second in Parts)
            {
                foreach (string third in (string[])["", "b", " ", "9", "!", "\n"])
                {
                    string text = first + second + third;
                    Assert.That(PatternText.Pieces(written, text), Is.EqualTo(PatternText.Pieces(general, text)), text);
                }
            }
        }
    }
}
