using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends.Cpu.Images;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Images of packed weights between processes: two that start at once, and one that is killed while it writes.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ImageProcessTests
{
    private const string Folder = "SLORA_TEST_IMAGE_FOLDER";
    private const string Name = "SLORA_TEST_IMAGE_NAME";
    private const string Halfway = "halfway";

    private static readonly string Model = RepositoryFolder.Fixture("core-llama-gqa", "model");

    [Test]
    public void Two_processes_that_start_at_once_serve_the_same_and_leave_one_image()
    {
        using var folder = new TemporaryFolder();
        string[] answers = [.. Enumerable.Range(0, 2).AsParallel().WithDegreeOfParallelism(2)
            .Select(_ => ChildProcess.Run(Serve, (Folder, folder.Path)))];
        ImageStart own = ImageStart.Of(Model, "Int8"), next = ImageStart.Of(Model, "Int8", folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(answers, Is.All.EqualTo(own.Logits.Digest()));
            Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(1), "the image, and nothing half written");
            Assert.That(next.Image!.IsUsed, Is.True);
            Assert.That(next.Logits.LargestDifference(own.Logits), Is.Zero);
        });
    }

    [Test]
    public void A_process_that_is_killed_while_it_writes_leaves_no_image_and_the_next_start_takes_away_what_it_left()
    {
        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Path.Combine(folder.Path, first.Image!.File);
        byte[] whole = File.ReadAllBytes(path);
        File.Delete(path);

        ChildProcess.KillAt(Halfway, WriteHalf, (Folder, folder.Path), (Name, first.Image!.File));

        Assert.That(Directory.GetFiles(folder.Path).Single(), Does.EndWith(".tmp"), "what it left");
        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(next.Image!.Problem, Is.EqualTo(PackedImageProblem.Missing));
            Assert.That(next.Image!.IsWritten, Is.True);
            Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
            Assert.That(Directory.GetFiles(folder.Path), Is.EqualTo(new[] { path }));
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(whole));
        });
    }

    [Test]
    public void A_process_that_is_killed_while_it_replaces_an_image_leaves_that_image()
    {
        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);

        ChildProcess.KillAt(Halfway, WriteHalf, (Folder, folder.Path), (Name, first.Image!.File));

        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);
        Assert.That(next.Image!.IsUsed, Is.True);
        Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
    }

    /// <summary>Starts with an image, and writes what it computes.</summary>
    internal static void Serve() => Console.Write(
        ImageStart.Of(Model, "Int8", Environment.GetEnvironmentVariable(Folder)).Logits.Digest());

    /// <summary>Begins to write an image, and never ends.</summary>
    internal static unsafe void WriteHalf()
    {
        using var memory = new NativeBlock(4 * ImageHeader.PieceBytes);
        memory.Clear();
        fixed (byte* first = memory.Slice(0, 1))
        {
            ImageWriter.Write(
                Path.Combine(Environment.GetEnvironmentVariable(Folder)!, Environment.GetEnvironmentVariable(Name)!), Guid.Empty,
                ImmutableArray.Create(new byte[ImageHeader.KeyBytes]),
                [(new ImageSection(false, "weight", "BF16", 1, 1, memory.Length), (nint)first)], static (file, _) => new EndlessFile(file));
        }
    }

    /// <summary>A file that the third piece of an image never gets into.</summary>
    private sealed class EndlessFile(string path) : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0)
    {
        private int _pieces;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            if (++_pieces == 2)
            {
                Console.WriteLine(Halfway);
                new ManualResetEventSlim().Wait();
            }
        }
    }
}
