using SLoRA.Text.Tokenization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tests.Tokenization.Unicode;

/// <summary>The normal forms: cases from the standard, and laws over all characters.</summary>
public sealed class UnicodeNormalizationTests
{
    [TestCase("e\u0301", "\u00E9", "e\u0301", "\u00E9", "e\u0301")]
    [TestCase("\u1E0B\u0323", "\u1E0D\u0307", "d\u0323\u0307", "\u1E0D\u0307", "d\u0323\u0307")]
    [TestCase("\uFB01", "\uFB01", "\uFB01", "fi", "fi")]
    [TestCase("\uAC01", "\uAC01", "\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [TestCase("\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [TestCase("\u212B", "\u00C5", "A\u030A", "\u00C5", "A\u030A")]
    [TestCase("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]
    [TestCase(
        "\uD834\uDD5E", "\uD834\uDD57\uD834\uDD65", "\uD834\uDD57\uD834\uDD65", "\uD834\uDD57\uD834\uDD65", "\uD834\uDD57\uD834\uDD65")]
    [TestCase("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307")]
    [TestCase("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b", "a\u05AE\u0300\u0300\u0315b", "\u00E0\u05AE\u0300\u0315b",
        "a\u05AE\u0300\u0300\u0315b")]
    public void A_text_has_its_four_forms(string text, string nfc, string nfd, string nfkc, string nfkd)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Compose(text, false), Is.EqualTo(nfc));
            Assert.That(Decompose(text, false), Is.EqualTo(nfd));
            Assert.That(Compose(text, true), Is.EqualTo(nfkc));
            Assert.That(Decompose(text, true), Is.EqualTo(nfkd));
        });
    }

    [Test]
    public void Forms_are_stable_for_every_character_and_the_quick_look_is_right()
    {
        for (int point = 0; point <= 0x10FFFF; point += point < 0x3000 ? 1 : 7)
        {
            if (point is >= 0xD800 and < 0xE000)
            {
                continue;
            }

            string text = char.ConvertFromUtf32(point);
            string composed = Compose(text, false);
            if (Compose(composed, false) != composed
                || Decompose(Compose(text, true), true) != Decompose(text, true))
            {
                Assert.Fail($"U+{point:X4}");
            }

            if (UnicodeNormalization.IsSurelyComposed(text) && composed != text)
            {
                Assert.Fail($"quick look at U+{point:X4}");
            }

            if (UnicodeNormalization.IsSurelyComposed("e" + text)
                && Compose("e" + text, false) != "e" + text)
            {
                Assert.Fail($"quick look at e U+{point:X4}");
            }
        }
    }

    [Test]
    public void A_long_run_of_marks_takes_no_quadratic_time()
    {
        string marks = string.Concat(Enumerable.Repeat("\u0315\u0300\u05AE", 100_000));
        Assert.That(Decompose("a" + marks, false), Has.Length.EqualTo(marks.Length + 1));
    }

    private static string Compose(string text, bool compatible)
    {
        var output = new CharBuffer();
        UnicodeNormalization.Instance.Compose(text, compatible, output);
        return output.Span.ToString();
    }

    private static string Decompose(string text, bool compatible)
    {
        var output = new CharBuffer();
        UnicodeNormalization.Instance.Decompose(text, compatible, output);
        return output.Span.ToString();
    }
}
