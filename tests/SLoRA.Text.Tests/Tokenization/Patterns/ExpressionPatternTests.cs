using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tests.Tokenization.Patterns;

/// <summary>The expression engine: Oniguruma's language, feature by feature.</summary>
public sealed class ExpressionPatternTests
{
    [TestCase("abc", "xabcabcx", "x[abc][abc]x")]
    [TestCase("a|ab", "abab", "[a]b[a]b")]
    [TestCase("ab|a", "aba", "[ab][a]")]
    [TestCase("a*", "baac", "[]b[aa]c[]")]
    [TestCase("a+?", "aaa", "[a][a][a]")]
    [TestCase("a{2}", "aaaaa", "[aa][aa]a")]
    [TestCase("a{2,}", "a aa aaa", "a [aa] [aaa]")]
    [TestCase("a{,2}b", "aaab", "a[aab]")]
    [TestCase("a{1,2}?b", "aab", "[aab]")]
    [TestCase("a{2}?", "aaa", "[aa]a[]")]
    [TestCase("a{x", "a{x", "[a{x]")]
    [TestCase("(ab)+", "ababa", "[abab]a")]
    [TestCase("(?:ab|c)*d", "abcabd d", "[abcabd] [d]")]
    [TestCase("(\\w)\\1", "aabbc", "[aa][bb]c")]
    [TestCase("(?<x>a|b)\\k<x>", "abba", "a[bb]a")]
    [TestCase("(?i:a)b", "Ab aB ab", "[Ab] aB [ab]")]
    [TestCase("(?i)ab|c", "AB C", "[AB] [C]")]
    [TestCase("a(?i)b|c", "aB aC C", "[aB] [aC] C")]
    [TestCase("(?i:'s)", "'s 'S 'ſ", "['s] ['S] ['ſ]")]
    [TestCase("(?i:[k])", "K k \u212A", "[K] [k] [\u212A]")]
    [TestCase("\\p{L}+", "aé中𝒜1", "[aé中𝒜]1")]
    [TestCase("\\P{L}", "a1𝒜😀", "a[1]𝒜[😀]")]
    [TestCase("\\p{^Lu}", "aB", "[a]B")]
    [TestCase("[^\\s\\p{L}\\p{N}]+", "a😀!1", "a[😀!]1")]
    [TestCase("[a-c&&[^b]]+", "abca", "[a]b[ca]")]
    [TestCase("[[:alpha:]]+", "ab1中", "[ab]1[中]")]
    [TestCase("[[:^digit:]]", "1a", "1[a]")]
    [TestCase("[[:punct:]]", "a+!1", "a[+][!]1")]
    [TestCase("[[:lower:]]+", "aªⅷB", "[aªⅷ]B")]
    [TestCase("[^(\\s|[.,!?…])]+", "a|b(c .d", "[a]|[b]([c] .[d]")]
    [TestCase("[\\p{L}&&[^\\p{Han}]]+", "ab漢c", "[ab]漢[c]")]
    [TestCase("[^\\r\\n]?+a", "ba a", "[ba][ a]")]
    [TestCase("[]a]+", "a]b", "[a]]b")]
    [TestCase("[a-]+", "a-b", "[a-]b")]
    [TestCase("[\\]\\-\\\\]+", "]-\\a", "[]-\\]a")]
    [TestCase("[[ab]c]+", "abcd", "[abc]d")]
    [TestCase("\\p{Han}+|\\p{Hiragana}+", "漢字かな", "[漢字][かな]")]
    [TestCase("\\d+", "1٣½", "[1٣]½")]
    [TestCase("\\h+", "xfFg", "x[fF]g")]
    [TestCase(".", "a\n😀", "[a]\n[😀]")]
    [TestCase("(?m:.)", "\n", "[\n]")]
    [TestCase("^a", "a\na", "[a]\n[a]")]
    [TestCase("a$", "a\na", "[a]\n[a]")]
    [TestCase("\\Aa", "aa", "[a]a")]
    [TestCase("a\\z", "aa", "a[a]")]
    [TestCase("a\\Z", "aa\n", "a[a]\n")]
    [TestCase("\\bfoo\\b", "foo food foo", "[foo] food [foo]")]
    [TestCase("\\w+", "x²y ½a ①b", "[x²y] [½a] ①[b]")]
    [TestCase("[\\w]+", "x²y ½a", "[x]²[y] ½[a]")]
    [TestCase("\\b", "²-", "[]²[]-")]
    [TestCase("(?i:\\p{Lu})", "aB", "a[B]")]
    [TestCase("(?i:[\\p{Lu}])", "aB1", "[a][B]1")]
    [TestCase("\\p{Punct}", "$!", "$[!]")]
    [TestCase("[a-z&&[^b]&&[^c]]+", "abcd", "[a]bc[d]")]
    [TestCase("a**", "baa", "[]b[aa]")]
    [TestCase("\\s+(?!\\S)|\\s+", "a   b ", "a[  ][ ]b[ ]")]
    [TestCase("a(?=b)", "abac", "[a]bac")]
    [TestCase("(?<=a)b", "abcb", "a[b]cb")]
    [TestCase("(?<!a)b", "abcb", "abc[b]")]
    [TestCase("(?<=ab|x)c", "abcxcc", "ab[c]x[c]c")]
    [TestCase("(?>a+)ab", "aaab", "aaab")]
    [TestCase("a++b", "aaab", "[aaab]")]
    [TestCase("a\\Kb", "ab", "a[b]")]
    [TestCase("\\R", "a\r\nb\n", "a[\r\n]b[\n]")]
    [TestCase("\\x41\\u0042\\x{1F600}", "AB😀", "[AB😀]")]
    [TestCase("(?x: a b # c\n)", "ab", "[ab]")]
    [TestCase("(a*)*b", "aab", "[aab]")]
    [TestCase("(a|)+b", "ab", "[ab]")]
    [TestCase("", "ab", "[]a[]b[]")]
    public void An_expression_finds_what_its_language_says(string expression, string text, string expected)
    {
        Assert.That(string.Concat(PatternText.Pieces(new ExpressionPattern(expression), text)), Is.EqualTo(expected));
    }

    [TestCase("(unclosed", "unclosed")]
    [TestCase("a)", ")")]
    [TestCase("[a", "unclosed")]
    [TestCase("[]", "empty set")]
    [TestCase("*a", "repeats nothing")]
    [TestCase("[b-a]", "backwards")]
    [TestCase("\\2(a)", null)]
    [TestCase("(?~a)", "absent")]
    [TestCase("(?(1)a|b)", "condition")]
    [TestCase("\\g<1>", "\\g")]
    [TestCase("\\X", "\\X")]
    [TestCase("\\p{Klingon}", "Klingon")]
    [TestCase("[[:klingon:]]", "klingon")]
    [TestCase("(?W:a)", "option W")]
    [TestCase("(?<=a*)b", "behind")]
    [TestCase("\\", "backslash")]
    public void What_is_wrong_or_not_implemented_is_refused_by_name(string expression, string? name)
    {
        TokenizerException error = Assert.Throws<TokenizerException>(() => _ = new ExpressionPattern(expression))!;
        if (name is not null)
        {
            Assert.That(error.Message, Does.Contain(name));
        }
    }

    [TestCase("(a+)+$")]
    [TestCase("(a|aa)+$")]
    [TestCase("(a*)*c")]
    public void An_expression_that_backtracks_without_end_is_stopped(string expression)
    {
        TokenizerException error =
            Assert.Throws<TokenizerException>(() => PatternText.Pieces(new ExpressionPattern(expression), new string('a', 60) + "!"))!;
        Assert.That(error.Code, Is.EqualTo("tokenizer.limit"));
    }

    [TestCase('*')]
    [TestCase('+')]
    [TestCase('?')]
    public void Quantifiers_in_a_row_end_in_an_error_before_the_stack_does(char quantifier)
    {
        TokenizerException error =
            Assert.Throws<TokenizerException>(() => _ = new ExpressionPattern("a" + new string(quantifier, 100_000)))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Message, Does.Contain("quantifiers in a row"));
            Assert.That(error.Message, Has.Length.LessThan(300));
        });
    }

    [TestCase("(", ")")]
    [TestCase("(?:", ")*")]
    [TestCase("(?=", ")")]
    [TestCase("(?>", ")+?*+")]
    [TestCase("[", "]")]
    [TestCase("(?i)", "")]
    [TestCase("(?<=", ")")]
    public void Nesting_ends_in_an_error_before_the_stack_does(string open, string close)
    {
        string deep = string.Concat(Enumerable.Repeat(open, 50_000)) + "a" + string.Concat(Enumerable.Repeat(close, 50_000));
        Assert.That(Assert.Throws<TokenizerException>(() => _ = new ExpressionPattern(deep))!.Message, Does.Contain("nests too deep"));
    }

    [Test]
    public void Any_number_of_sets_can_be_joined()
    {
        var pattern = new ExpressionPattern("[a" + string.Concat(Enumerable.Repeat("&&a-z", 100_000)) + "]");
        Assert.That(PatternText.Pieces(pattern, "aba"), Is.EqualTo(new[] { "[a]", "b", "[a]" }));
    }

    [TestCase("(?:a|b){99999}")]
    [TestCase("(?:(?:(?:ab){300}){300}){300}")]
    [TestCase("(?:a{2}|b)*?{1000}{1000}")]
    public void A_short_expression_takes_no_large_program(string expression)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TokenizerException>(() => _ = new ExpressionPattern(expression));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(4 << 20));
    }

    [Test]
    public void Places_to_go_back_to_are_bounded_by_the_length_of_the_text()
    {
        var pattern =
            new ExpressionPattern(string.Concat(Enumerable.Repeat("(?:", 30)) + "a" + string.Concat(Enumerable.Repeat("|)", 30)) + "+");
        string text = new('a', 100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(
            Assert.Throws<TokenizerException>(() => PatternText.Pieces(pattern, text))!.Message, Does.Contain("places to go back to"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(64 << 20));
    }

    [Test]
    public void A_long_text_needs_no_deep_stack()
    {
        Assert.That(
            PatternText.Pieces(new ExpressionPattern("(?:a|b)+"), string.Concat(Enumerable.Repeat("ab", 100_000))), Has.Count.EqualTo(1));
    }
}
