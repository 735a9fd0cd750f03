namespace SLoRA.AspNetCore.Tests;

public sealed class SLoraHttpOptionsTests
{
    private static IEnumerable<TestCaseData> Beyond()
    {
        yield return new("ModelName", new SLoraHttpOptions { ModelName = "" });
        yield return new("ModelName", new SLoraHttpOptions { ModelName = new string('x', 257) });
        yield return new("MaxBodyBytes", new SLoraHttpOptions { MaxBodyBytes = 0 });
        yield return new("MaxBodyBytes", new SLoraHttpOptions { MaxBodyBytes = (1L << 30) + 1 });
        yield return new("MaxPromptTokens", new SLoraHttpOptions { MaxPromptTokens = 0 });
        yield return new("MaxCompletionTokens", new SLoraHttpOptions { MaxCompletionTokens = 0 });
        yield return new("MaxChoices", new SLoraHttpOptions { MaxChoices = 0 });
        yield return new("MaxChoices", new SLoraHttpOptions { MaxChoices = 1025 });
        yield return new("MaxTime", new SLoraHttpOptions { MaxTime = TimeSpan.Zero });
        yield return new("MaxTime", new SLoraHttpOptions { MaxTime = TimeSpan.FromDays(49) });
        yield return new("RetryAfter", new SLoraHttpOptions { RetryAfter = TimeSpan.FromTicks(-1) });
        yield return new("RetryAfter", new SLoraHttpOptions { RetryAfter = TimeSpan.FromDays(2) });
        yield return new("MayUse", new SLoraHttpOptions { MayUse = null! });
        yield return new("ClientOf", new SLoraHttpOptions { ClientOf = null! });
        yield return new("Clock", new SLoraHttpOptions { Clock = null! });
    }

    [TestCaseSource(nameof(Beyond))]
    public void A_value_beyond_its_range_is_refused_by_name(string option, SLoraHttpOptions options) => Assert.That(
        options.Validate,
        Throws.TypeOf<InvalidOptionException>().With.Property(nameof(InvalidOptionException.Option)).EqualTo(option));

    [Test]
    public void The_ends_of_the_ranges_are_taken() => Assert.That(
        new SLoraHttpOptions
        {
            ModelName = new string('x', 256),
            MaxBodyBytes = 1L << 30,
            MaxPromptTokens = 1,
            MaxCompletionTokens = int.MaxValue,
            MaxChoices = 1024,
            MaxTime = TimeSpan.FromDays(49) - TimeSpan.FromTicks(1),
            RetryAfter = TimeSpan.Zero,
        }.Validate,
        Throws.Nothing);
}
