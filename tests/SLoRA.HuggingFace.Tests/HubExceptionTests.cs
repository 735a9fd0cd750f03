namespace SLoRA.HuggingFace.Tests;

public sealed class HubExceptionTests
{
    [Test]
    public void Every_kind_has_a_code_of_its_own_in_its_own_words([Values] HubErrorKind kind)
    {
        string words =
            string.Concat(kind.ToString().Select((letter, i) => char.IsUpper(letter) && i > 0 ? "-" + letter : letter.ToString()));
        Assert.That(new HubException(kind, "said").Code, Is.EqualTo("hub." + words.ToLowerInvariant()));
    }

    [TestCase(HubErrorKind.InvalidName, ExpectedResult = ErrorCategory.Caller)]
    [TestCase(HubErrorKind.RepositoryNotFound, ExpectedResult = ErrorCategory.Caller)]
    [TestCase(HubErrorKind.Busy, ExpectedResult = ErrorCategory.Capacity)]
    [TestCase(HubErrorKind.Unreachable, ExpectedResult = ErrorCategory.Capacity)]
    [TestCase(HubErrorKind.Unauthorized, ExpectedResult = ErrorCategory.Server)]
    [TestCase(HubErrorKind.Incomplete, ExpectedResult = ErrorCategory.Server)]
    [TestCase(HubErrorKind.WrongContent, ExpectedResult = ErrorCategory.Server)]
    public ErrorCategory The_category_says_whose_matter_it_is(HubErrorKind kind) => new HubException(kind, "said").Category;
}
