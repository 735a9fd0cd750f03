using System.Net;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Tests.Protocol;

public sealed class RetryRuleTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Test]
    public void Waits_double_up_to_eight_seconds() =>
        Assert.That(Enumerable.Range(1, 6).Select(attempt => RetryRule.Wait(attempt).TotalSeconds), Is.EqualTo([1, 2, 4, 8, 8, 8]));

    [TestCase("5", ExpectedResult = 6)]
    [TestCase("0", ExpectedResult = 1)]
    [TestCase("Thu, 01 Jan 2026 00:00:30 GMT", ExpectedResult = 31)]
    [TestCase("Wed, 31 Dec 2025 00:00:00 GMT", ExpectedResult = 1)]
    [TestCase("soon", ExpectedResult = null)]
    [TestCase(null, ExpectedResult = null)]
    public double? Retry_After_is_seconds_or_a_date(string? value)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        response.Headers.TryAddWithoutValidation("Retry-After", value);
        return RetryRule.Asked(response, Now)?.TotalSeconds;
    }

    [TestCase(HttpStatusCode.TooManyRequests, "\"api\";r=0;t=40", ExpectedResult = 41)]
    [TestCase(HttpStatusCode.TooManyRequests, "\"api\";r=0; t=40", ExpectedResult = 41)]
    [TestCase(HttpStatusCode.TooManyRequests, "\"api\";r=0", ExpectedResult = 10)]
    [TestCase(HttpStatusCode.ServiceUnavailable, "\"api\";r=0;t=40", ExpectedResult = 10)]
    public double? The_limit_s_own_time_goes_before_it_where_there_are_too_many_requests(HttpStatusCode status, string limit)
    {
        using var response = new HttpResponseMessage(status);
        response.Headers.TryAddWithoutValidation("RateLimit", limit);
        response.Headers.TryAddWithoutValidation("Retry-After", "9");
        return RetryRule.Asked(response, Now)?.TotalSeconds;
    }
}
