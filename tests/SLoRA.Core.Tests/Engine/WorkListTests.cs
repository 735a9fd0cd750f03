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
    public void What_adds_alone_comes_in_one_pass_and_what_does_more_place_by_place()
    {
        var list = new WorkList();
        list.Add(First, 0, 2, 1, startsPlace: true);
        list.Add(Second, 0, 1, 1, startsPlace: true);
        Assert.That((list.Passes, list.ChunksOf(0), list.PlacesOf(0)), Is.EqualTo((1, (0, 2), (0, 2))));

        list.Clear();
        list.Add(new ResidentAdapter(new TileDirectory([], 0) { Changes = [null] }, []), 0, 1, 1, startsPlace: true);
        list.Add(First, 1, 1, 1, startsPlace: false);
        list.Add(Second, 0, 1, 1, startsPlace: true);
        Assert.That((list.Passes, list.ChunksOf(0), list.ChunksOf(1)), Is.EqualTo((2, (0, 2), (2, 3))));
        Assert.That((list.PlacesOf(1), list.ChunksOfPlace(1)), Is.EqualTo(((1, 2), (2, 3))));
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
