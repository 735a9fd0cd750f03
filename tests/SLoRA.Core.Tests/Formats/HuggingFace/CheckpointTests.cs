using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Core.Tests.Formats.HuggingFace;

internal sealed class CheckpointTests
{
    [Test]
    public unsafe void Mapped_bytes_are_those_of_the_tensors()
    {
        using var folder = new TemporaryFolder();
        using Checkpoint checkpoint = Checkpoint.Open(TwoShards(folder), CancellationToken.None);
        checkpoint.Map(null, CancellationToken.None);

        Assert.That(checkpoint.Tensors.Keys, Is.EquivalentTo(new[] { "a", "b", "c" }));
        foreach ((string name, byte value) in new[] { ("a", (byte)1), ("b", (byte)2), ("c", (byte)3) })
        {
            TensorEntry tensor = checkpoint.Tensors[name];
            var bytes = new ReadOnlySpan<byte>((void*)checkpoint.Address(name), (int)tensor.Length);
            Assert.That(bytes.IndexOfAnyExcept(value), Is.EqualTo(-1), name);
            Assert.That(bytes.Length, Is.GreaterThan(0));
        }

        Assert.That(Path.GetFileName(checkpoint.FileOf("c")), Is.EqualTo("two.safetensors"));
    }

    [Test]
    public void Addresses_exist_only_while_the_files_are_mapped()
    {
        using var folder = new TemporaryFolder();
        Checkpoint checkpoint = Checkpoint.Open(TwoShards(folder), CancellationToken.None);
        Assert.That(() => checkpoint.Address("a"), Throws.InvalidOperationException);
        checkpoint.Map(null, CancellationToken.None);
        Assert.That(checkpoint.Address("a"), Is.Not.Zero);
        checkpoint.Dispose();
        Assert.That(() => checkpoint.Address("a"), Throws.InvalidOperationException);
    }

    [Test]
    public void Progress_counts_every_byte_of_every_file()
    {
        using var folder = new TemporaryFolder();
        using Checkpoint checkpoint = Checkpoint.Open(TwoShards(folder), CancellationToken.None);
        long bytes = checkpoint.Files.Sum(file => file.Length);
        var reports = new Reports();
        checkpoint.Map(reports, CancellationToken.None);
        Assert.That(reports.All[0], Is.EqualTo(new LoadProgress("weights", 0, bytes)));
        Assert.That(reports.All[^1], Is.EqualTo(new LoadProgress("weights", bytes, bytes)));
        Assert.That(reports.All.Select(report => report.BytesDone), Is.Ordered);
    }

    [Test]
    public void Cancelling_stops_before_the_next_block()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        using Checkpoint checkpoint = Checkpoint.Open(TwoShards(folder), CancellationToken.None);
        var reports = new Reports(report =>
        {
            if (report.BytesDone > 0)
            {
                source.Cancel();
            }
        });
        Assert.That(() => checkpoint.Map(reports, source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(reports.All, Has.Count.EqualTo(2));
        Assert.That(() => Checkpoint.Open(TwoShards(folder), source.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "Windows does not let a file be cut short that is open for reading.")]
    public void A_file_cut_short_after_its_header_was_read_is_an_error_and_not_a_crash()
    {
        using var folder = new TemporaryFolder();
        CheckpointIndex index = CheckpointIndex.Single(folder.Write("model.safetensors", Shard(("a", 1))));
        using Checkpoint checkpoint = Checkpoint.Open(index, CancellationToken.None);
        using (var writer = new FileStream(index.File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.SetLength(80);
        }

        FormatError error = Assert.Throws<FormatError>(() => checkpoint.Map(null, CancellationToken.None))!;
        Assert.That(error.Message, Does.Contain("shorter").And.Contain("model.safetensors"));
    }

    [Test]
    public void A_tensor_in_two_shards_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("one.safetensors", Shard(("a", 1), ("b", 2)));
        folder.Write("two.safetensors", Shard(("b", 3)));
        Refused(folder, """{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""", "b", "also in");
    }

    [TestCase("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}""", "b", "one.safetensors")]
    [TestCase("""{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors","d":"two.safetensors"}}""", "d",
        "two.safetensors")]
    [TestCase("""{"weight_map":{"a":"one.safetensors","c":"two.safetensors"}}""", "b", "not in the index")]
    public void An_index_that_disagrees_with_its_files_is_refused(string json, string tensor, string mention)
    {
        using var folder = new TemporaryFolder();
        TwoShards(folder);
        Refused(folder, json, tensor, mention);
    }

    [Test]
    public void A_refused_checkpoint_leaves_no_file_open()
    {
        using var folder = new TemporaryFolder();
        TwoShards(folder);
        File.WriteAllBytes(Path.Combine(folder.Path, "two.safetensors"), new byte[9]);
        CheckpointIndex index = CheckpointIndex.Read(folder.Path, Path.Combine(folder.Path, "model.safetensors.index.json"));
        Assert.That(() => Checkpoint.Open(index, CancellationToken.None), Throws.TypeOf<FormatError>());
        foreach (string shard in index.Shards)
        {
            new FileStream(shard, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
        }
    }

    private static void Refused(TemporaryFolder folder, string json, string tensor, string mention)
    {
        string path = folder.Write("model.safetensors.index.json", json);
        FormatError error =
            Assert.Throws<FormatError>(() => Checkpoint.Open(CheckpointIndex.Read(folder.Path, path), CancellationToken.None))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Tensor));
        Assert.That(error.Subject, Is.EqualTo(tensor));
        Assert.That(error.Message, Does.Contain(mention));
    }

    private static CheckpointIndex TwoShards(TemporaryFolder folder)
    {
        folder.Write("one.safetensors", Shard(("a", 1), ("b", 2)));
        folder.Write("two.safetensors", Shard(("c", 3)));
        string path = folder.Write(
            "model.safetensors.index.json", """{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}""");
        return CheckpointIndex.Read(folder.Path, path);
    }

    private static byte[] Shard(params (string Name, byte Value)[] tensors) =>
        SafetensorsWriter.Write(
            tensors.Select(tensor =>
            (tensor.Name, "U8", new long[] { 5000 + tensor.Value }, Enumerable.Repeat(tensor.Value, 5000 + tensor.Value).ToArray())));

    private sealed class Reports(Action<LoadProgress>? then = null) : IProgress<LoadProgress>
    {
        public List<LoadProgress> All { get; } = [];

        public void Report(LoadProgress value)
        {
            All.Add(value);
            then?.Invoke(value);
        }
    }
}
