using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Tests.Protocol;

public sealed class LinkHeaderTests
{
    [TestCase("<https://a/x?cursor=4>; rel=\"next\"", ExpectedResult = "https://a/x?cursor=4")]
    [TestCase("<https://a/x,y>; rel=\"prev\", <https://a/z>; title=\"t\"; rel=next", ExpectedResult = "https://a/z")]
    [TestCase("<https://a/x>; rel=\"prev\"", ExpectedResult = null)]
    [TestCase("https://a/x", ExpectedResult = null)]
    [TestCase("", ExpectedResult = null)]
    [TestCase(null, ExpectedResult = null)]
    public string? The_next_page_is_found_among_relations(string? header) => LinkHeader.Target(header, "next");
}
