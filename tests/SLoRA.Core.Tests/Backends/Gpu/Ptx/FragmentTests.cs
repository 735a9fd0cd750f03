using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>The fragment tables against the figures of the PTX ISA, and the interpreter's products against the tables.</summary>
[NonParallelizable]
public sealed class FragmentTests
{
    /// <summary>The figure of A for m16n8k16: threads of the first row's columns, and of the first column's rows.</summary>
    [Test]
    public void A_lies_as_in_the_figure()
    {
        Dictionary<(int Row, int Column), (int Lane, int Element)> places = Places(8, FragmentTables.A);
        Assert.That(places, Has.Count.EqualTo(16 * 16));
        Assert.Multiple(() =>
        {
            Assert.That(
                Enumerable.Range(0, 16).Select(column => places[(0, column)].Lane),
                Is.EqualTo((int[])[0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3]));
            Assert.That(
                Enumerable.Range(0, 16).Select(row => places[(row, 0)].Lane),
                Is.EqualTo((int[])[0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28]));
            Assert.That(
                Enumerable.Range(0, 16).Select(column => places[(0, column)].Element),
                Is.EqualTo((int[])[0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5]));
            Assert.That(
                Enumerable.Range(0, 16).Select(column => places[(15, column)].Element),
                Is.EqualTo((int[])[2, 3, 2, 3, 2, 3, 2, 3, 6, 7, 6, 7, 6, 7, 6, 7]));
        });
    }

    [Test]
    public void B_lies_as_in_the_figure()
    {
        Dictionary<(int Row, int Column), (int Lane, int Element)> places = Places(4, FragmentTables.B);
        Assert.That(places, Has.Count.EqualTo(16 * 8));
        Assert.Multiple(() =>
        {
            Assert.That(
                Enumerable.Range(0, 16).Select(row => places[(row, 0)]),
                Is.EqualTo(((int, int)[])[(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1),
                    (0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3)]));
            Assert.That(
                Enumerable.Range(0, 8).Select(column => places[(0, column)].Lane),
                Is.EqualTo((int[])[0, 4, 8, 12, 16, 20, 24, 28]));
        });
    }

    [Test]
    public void C_lies_as_in_the_figure()
    {
        Dictionary<(int Row, int Column), (int Lane, int Element)> places = Places(4, FragmentTables.C);
        Assert.That(places, Has.Count.EqualTo(16 * 8));
        Assert.Multiple(() =>
        {
            Assert.That(
                Enumerable.Range(0, 8).Select(column => places[(0, column)]),
                Is.EqualTo(((int, int)[])[(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]));
            Assert.That(
                Enumerable.Range(0, 8).Select(column => places[(8, column)]),
                Is.EqualTo(((int, int)[])[(0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3)]));
            Assert.That(places[(7, 7)], Is.EqualTo((31, 1)));
        });
    }

    [Test]
    public void The_interpreter_multiplies_element_by_element_what_the_intrinsic_writes() =>
        FragmentChecks.Products(PtxDevice.Device, PtxDevice.Loader);

    private static Dictionary<(int Row, int Column), (int Lane, int Element)> Places(int elements, Func<int, int, (int, int)> table)
    {
        var places = new Dictionary<(int, int), (int, int)>();
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < elements; i++)
            {
                places.Add(table(lane, i), (lane, i));
            }
        }

        return places;
    }
}
