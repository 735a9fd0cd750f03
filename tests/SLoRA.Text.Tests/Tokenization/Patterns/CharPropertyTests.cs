using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tests.Tokenization.Patterns;

/// <summary>
/// Every class of expressions over all code points, against a table that is made from the definitions and the Unicode Character Database.
/// </summary>
public sealed class CharPropertyTests
{
    public static IEnumerable<TestCaseData> Classes() =>
        File.ReadLines(Path.Combine(RepositoryFolder.Fixtures, "unicode-classes.txt"))
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split(' '))
            .Select(fields => new TestCaseData(fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture), fields[2])
                .SetArgDisplayNames(fields[0]));

    [TestCaseSource(nameof(Classes))]
    public void A_class_contains_the_code_points_of_its_definition(string expression, int count, string hash)
    {
        CharSet set = SetOf(expression);
        var members = new List<int>();
        for (int point = 0; point <= 0x10FFFF; point++)
        {
            if (Rune.IsValid(point) && set.Contains(point))
            {
                members.Add(point);
            }
        }

        string found = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(',', members))));
        Assert.That((members.Count, found[..16]), Is.EqualTo((count, hash)));
    }

    [Test]
    public void A_boundary_lies_where_the_word_type_begins_and_ends()
    {
        CharSet word = SetOf("\\w");
        var boundary = new ExpressionPattern("\\b");
        var none = new ExpressionPattern("\\B");
        var wrong = new List<int>();
        for (int point = 0; point <= 0x10FFFF; point++)
        {
            if (!Rune.IsValid(point))
            {
                continue;
            }

            string text = $" {char.ConvertFromUtf32(point)}";
            long budget = 1000;
            // Before the code point, behind a space, there is a boundary exactly if it is part of a word.
            bool isBoundary = boundary.TryFind(text, 1, ref budget, out int at, out _) && at == 1;
            bool isNone = none.TryFind(text, 1, ref budget, out at, out _) && at == 1;
            if (isBoundary != word.Contains(point) || isNone == isBoundary)
            {
                wrong.Add(point);
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    // What Oniguruma 6.9.10 matches with the character, ignoring case, over all of Unicode.
    [TestCase("s", "Ssſ")]
    [TestCase("ſ", "Ssſ")]
    [TestCase("k", "Kk\u212A")]
    [TestCase("i", "Ii")]
    [TestCase("ı", "ı")]
    [TestCase("İ", "İ")]
    [TestCase("ß", "ßẞ")]
    [TestCase("ς", "Σςσ")]
    [TestCase("ϐ", "Ββϐ")]
    [TestCase("\u0345", "\u0345Ιι\u1FBE")]
    [TestCase("Ꭰ", "Ꭰꭰ")]
    [TestCase("ǅ", "Ǆǅǆ")]
    [TestCase("ᲀ", "Ввᲀ")]
    [TestCase("\u0390", "\u0390\u1FD3")]
    [TestCase("ﬁ", "ﬁ")]
    public void Ignoring_case_a_character_matches_its_cases_alone(string character, string expected)
    {
        CharSet set = SetOf($"(?i:{character})");
        string found = string.Concat(Enumerable.Range(0, 0x110000).Where(point => Rune.IsValid(point) && set.Contains(point))
            .Select(char.ConvertFromUtf32));
        Assert.That(found, Is.EqualTo(expected));
    }

    private static CharSet SetOf(string expression) => ((PatternNode.One)PatternParser.Parse(expression, out _)).Set;
}
