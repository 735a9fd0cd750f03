using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;

namespace SLoRA.Core.Tests.Backends;

[Parallelizable(ParallelScope.All)]
public sealed class MainMemoryPagesTests
{
    [TestCase(1024)]
    [TestCase(200_000)]
    [TestCase(1 << 17)]
    public void Clearing_a_page_makes_all_of_it_zero_and_nothing_else(int pageBytes)
    {
        var pages = new ArrayPages(3, pageBytes);

        pages.Clear(1);

        for (int page = 0; page < 3; page++)
        {
            byte[] bytes = new byte[pageBytes];
            pages.Read(page, 0, bytes);
            Assert.That(bytes.All(value => value == (page == 1 ? 0 : ArrayPages.Untouched)), $"page {page}");
        }
    }
}
