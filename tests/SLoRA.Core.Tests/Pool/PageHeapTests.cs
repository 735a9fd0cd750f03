using NUnit.Framework;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Pool;

[Parallelizable(ParallelScope.All)]
public sealed class PageHeapTests
{
    [SeededProperty(MaxTest = 200)]
    public void The_oldest_is_the_oldest_whatever_comes_and_goes(FsCheck.NonEmptyArray<byte> history)
    {
        var heap = new PageHeap(new int[64], new long[64]);
        var model = new Dictionary<int, long>();
        for (int i = 0; i < history.Get.Length; i++)
        {
            int page = history.Get[i] % 64;
            if (model.Remove(page))
            {
                heap.Remove(page);
            }
            else
            {
                long key = history.Get[i] * 37 % 11;
                heap.Add(page, key);
                model.Add(page, key);
            }

            Assert.That(heap.Count, Is.EqualTo(model.Count));
            if (model.Count > 0)
            {
                Assert.That(heap.Oldest.Key, Is.EqualTo(model.Values.Min()));
                Assert.That(model[heap.Oldest.Page], Is.EqualTo(heap.Oldest.Key));
            }
        }
    }
}
