using NUnit.Framework;
using SLoRA.Sampling;

namespace SLoRA.Core.Tests.Sampling;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class TokenHistoryTests
{
    [SeededProperty(MaxTest = 100)]
    public void It_counts_as_a_dictionary_does_and_grows_when_it_must(int[] prompt, int[] generated, byte capacity)
    {
        int[] ids = [.. Enumerable.Range(0, 300).Select(i => i * 131 % 151_936)];
        prompt = [.. prompt.Select(i => ids[(i & int.MaxValue) % 300]), .. ids[..(capacity % 40)]];
        generated = [.. generated.Select(i => ids[(i & int.MaxValue) % 300]), .. ids[100..(120 + (capacity % 100))]];
        TokenHistory history = new(capacity);
        history.AddPrompt(prompt);
        history.AddGenerated(generated);

        Assert.That(history.Tokens.ToArray(), Is.EqualTo(prompt.Concat(generated).Distinct()));
        IEnumerable<int> counts = history.Tokens.ToArray().Select(token => generated.Count(other => other == token));
        Assert.That(history.GeneratedCounts.ToArray(), Is.EqualTo(counts));
    }
}
