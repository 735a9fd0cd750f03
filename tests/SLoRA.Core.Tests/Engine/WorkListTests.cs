using NUnit.Framework;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class WorkListTests
{
    private static readonly ResidentAdapter First = new(new TileDirectory([], 0), []);
    private static readonly ResidentAdapter Second = new(new TileDirectory([], 0), []);

    [Test]
    public void Rows_of_one_generation_share_a_chunk()
    {
        var list = new WorkList();
        list.Add(First, 0, 3, 1, startsPlace: true);
        list.Add(First, 7, 1, 0.5f, startsPlace: false);

        Assert.That(list.Chunks.ToArray(), Is.EqualTo(new[] { new WorkChunk(First, 0, 4) }));
        Assert.That(
            list.Entries.ToArray(),
            Is.EqualTo(new[] { new WorkEntry(0, 1), new WorkEntry(1, 1), new WorkEntry(2, 1), new WorkEntry(7, 0.5f) }));
    }

    [Test]
    public void Another_generation_starts_a_chunk()
    {
        var list = new WorkList();
        list.Add(First, 0, 1, 1, startsPlace: true);
        list.Add(Second, 1, 2, 1, startsPlace: false);

        Assert.That(list.Chunks.ToArray(), Is.EqualTo(new[] { new WorkChunk(First, 0, 1), new WorkChunk(Second, 1, 2) }));
    }

    [Test]
    public void A_chunk_never_holds_a_row_twice_though_its_request_names_the_adapter_twice()
    {
        var list = new WorkList();
        list.Add(First, 0, 1, 0.5f, startsPlace: true);
        list.Add(First, 0, 1, 0.25f, startsPlace: true);

        Assert.That(list.Chunks.ToArray(), Is.EqualTo(new[] { new WorkChunk(First, 0, 1), new WorkChunk(First, 1, 1) }));
    }

    [Test]
    public void Long_runs_are_cut()
    {
        var list = new WorkList();
        list.Add(First, 0, (2 * WorkList.ChunkLimit) + 1, 1, startsPlace: true);

        Assert.That(list.Chunks.ToArray().Select(chunk => chunk.Count), Is.EqualTo(new[] { WorkList.ChunkLimit, WorkList.ChunkLimit, 1 }));
    }

    [Test]
    public void Clearing_forgets_everything()
    {
        var list = new WorkList();
        list.Add(First, 0, 5, 1, startsPlace: true);
        list.Clear();

        Assert.That(list.Entries.Length + list.Chunks.Length, Is.EqualTo(0));
    }
}
