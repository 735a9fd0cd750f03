using SLoRA.HuggingFace.Transfer;

namespace SLoRA.HuggingFace.Tests.Transfer;

public sealed class ByteRangesTests
{
    [Test]
    public void What_is_missing_is_what_no_range_holds_in_pieces_no_longer_than_a_part([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        const int size = 60;
        bool[] held = new bool[size];
        var ranges = new ByteRanges();
        for (int i = 0; i < seed % 9; i++)
        {
            int start = random.Next(size);
            int end = random.Next(start, size + 1);
            ranges.Add(new ByteRange(start, end));
            Array.Fill(held, true, start, end - start);
        }

        int part = random.Next(1, size);
        ByteRange[] missing = [.. ranges.Missing(size, part)];
        foreach (ByteRange piece in missing)
        {
            Assert.That(piece.Length, Is.InRange(1, part));
            for (long at = piece.Start; at < piece.End; at++)
            {
                Assert.That(held[at], Is.False, $"{at} is there");
                held[at] = true;
            }
        }

        Assert.That(held, Is.All.True);
        Assert.That(ranges.Total, Is.EqualTo(size - missing.Sum(piece => piece.Length)));
    }

    [Test]
    public void Ranges_beyond_the_end_do_no_harm()
    {
        var ranges = new ByteRanges();
        ranges.Add(new ByteRange(50, 90));
        Assert.That(ranges.Missing(60, 100), Is.EqualTo([new ByteRange(0, 50)]));
        Assert.That(ranges.Missing(0, 100), Is.Empty);
    }
}
