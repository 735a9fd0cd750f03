using SLoRA.HuggingFace.Transfer;

namespace SLoRA.HuggingFace.Tests.Transfer;

public sealed class PartialFileTests
{
    private TemporaryFolder _folder = null!;

    private string PartialPath => _folder.Of("blob.slora.incomplete");

    [SetUp]
    public void Create() => _folder = new TemporaryFolder();

    [TearDown]
    public void Delete() => _folder.Dispose();

    [Test]
    public async Task What_was_noted_is_there_for_the_next_run()
    {
        using (PartialFile first = Open())
        {
            await first.WriteAsync(new byte[] { 3, 4, 5 }, 3, CancellationToken.None);
            first.Note(new ByteRange(3, 6));
        }

        using PartialFile second = Open();
        Assert.That(second.Missing(100), Is.EqualTo([new ByteRange(0, 3), new ByteRange(6, 10)]));
        Assert.That(second.Arrived, Is.EqualTo(3));
    }

    [TestCase("3 6\n7 8", ExpectedResult = 3, Description = "the last line is torn")]
    [TestCase("3 6\nx y\n-1 5\n3 6 7\n\n", ExpectedResult = 3)]
    [TestCase("3 600\n", ExpectedResult = 4, Description = "no more than the file has")]
    [TestCase("", ExpectedResult = 0)]
    public long A_damaged_journal_says_less_and_not_more(string journal)
    {
        File.WriteAllBytes(PartialPath, new byte[7]);
        File.WriteAllText(PartialPath + ".parts", journal);
        using PartialFile partial = Open();
        return partial.Arrived;
    }

    [Test]
    public void A_journal_without_its_file_says_nothing()
    {
        File.WriteAllText(PartialPath + ".parts", "0 10\n");
        using PartialFile partial = Open();
        Assert.That(partial.Arrived, Is.Zero);
    }

    [Test]
    public void A_file_that_is_too_long_is_begun_anew()
    {
        File.WriteAllBytes(PartialPath, new byte[11]);
        File.WriteAllText(PartialPath + ".parts", "0 10\n");
        using PartialFile partial = Open();
        Assert.That(partial.Arrived, Is.Zero);
    }

    [Test]
    public async Task A_whole_file_takes_its_name_and_leaves_nothing_else()
    {
        using (PartialFile partial = Open())
        {
            await partial.WriteAsync(new byte[10], 0, CancellationToken.None);
            partial.Note(new ByteRange(0, 10));
            partial.MoveTo(_folder.Of("blob"));
        }

        Assert.That(Directory.GetFiles(_folder.Path).Select(Path.GetFileName), Is.EqualTo(["blob"]));
    }

    [TestCase(true, 0)]
    [TestCase(false, 5)]
    public void What_nobody_can_go_on_with_does_not_stay(bool keeps, int arrived)
    {
        using (PartialFile partial = PartialFile.Open(PartialPath, 10, keeps))
        {
            partial.Note(new ByteRange(0, arrived));
        }

        Assert.That(Directory.GetFiles(_folder.Path), Is.Empty);
    }

    private PartialFile Open() => PartialFile.Open(PartialPath, 10, keeps: true);
}
