using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Pool;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Pool;

[Parallelizable(ParallelScope.All)]
public sealed class TableShapeTests
{
    /// <summary>
    /// What one sequence has of models as they are published, with 16-bit keys and values and steps of 256 rows, and what it would have if
    /// every layer kept everything. A window of w lies in (w + 255 + 14) / 16 + 1 blocks at most.
    /// </summary>
    /// <param name="layers">All layers.</param>
    /// <param name="every">Every so-many-th sees everything; 0 for none.</param>
    /// <param name="heads">KV heads.</param>
    /// <param name="dim">Columns of a head.</param>
    /// <param name="window">The window of the others.</param>
    /// <param name="tokens">Tokens of the sequence.</param>
    /// <param name="pages">Its pages.</param>
    /// <param name="mebibytes">What they take.</param>
    /// <param name="allMebibytes">What everything would take.</param>
    [TestCase(32, 0, 8, 128, 4096, 4096, 256, 512, 512, Description = "Mistral 7B v0.1: no longer than its window, pages of 2 MiB")]
    [TestCase(32, 0, 8, 128, 4096, 32768, 273, 546, 4096, Description = "Mistral 7B v0.1")]
    [TestCase(34, 6, 4, 256, 1024, 8192, 512 + (6 * 81), 311, 1088, Description = "Gemma 3 4B: seven groups, pages of 320 KiB")]
    [TestCase(34, 6, 4, 256, 1024, 131072, 8192 + (6 * 81), 2711, 17408, Description = "Gemma 3 4B")]
    [TestCase(24, 2, 8, 64, 128, 131072, 8192 + 25, 3081, 6144, Description = "gpt-oss 20B: two groups, pages of 384 KiB")]
    public void A_long_sequence_has_what_its_windows_need(
        int layers, int every, int heads, int dim, int window, int tokens, int pages, int mebibytes, int allMebibytes)
    {
        KeyValueShape shape = new(heads, dim);
        KvLayout layout = KvLayout.For(
            [.. Enumerable.Range(1, layers).Select(layer => (KeptState)(shape with
            {
                Sight = every > 0 && layer % every == 0 ? default : new Sight(window).Within(tokens + 1),
            }))],
            TensorType.BF16);
        KvLayout all = KvLayout.For([.. Enumerable.Repeat((KeptState)shape, layers)], TensorType.BF16);

        int needed = TableShape.Of(layout, maxRows: 256).PagesFor(tokens);

        Assert.That(needed, Is.EqualTo(pages));
        Assert.That(needed * layout.PageBytes >> 20, Is.EqualTo(mebibytes));
        Assert.That(TableShape.Of(all, maxRows: 256).PagesFor(tokens) * all.PageBytes >> 20, Is.EqualTo(allMebibytes));
    }
}
