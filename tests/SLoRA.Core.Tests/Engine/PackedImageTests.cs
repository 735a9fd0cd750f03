using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Starts with an image of packed weights: the bits of those without, whatever has become of the image; and what status says of it.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class PackedImageTests
{
    private static readonly string[] Models =
    [
        RepositoryFolder.Fixture("core-llama-gqa", "model"), RepositoryFolder.Fixture("core-llama-tied-llama3", "model"),
        RepositoryFolder.Fixture("later-olmoe", "model"), RepositoryFolder.Fixture("later-glm4-moe-lite", "model"),
        RepositoryFolder.Fixture("later-gguf-llama3-f16", "model.gguf"), RepositoryFolder.Fixture("broken-gguf", "control", "model.gguf"),
        RepositoryFolder.Fixture("broken-quant", "control-gptq"), RepositoryFolder.Fixture("broken-quant", "control-fp8"),
        RepositoryFolder.Fixture("broken-quant", "control-mxfp4"),
    ];

    private static readonly string[] Kinds = ["AsStored", "Exact", "Int8", "Int4", "Int8, 2 shards", "Int4, read"];

    private static IEnumerable<TestCaseData> Cases() =>
        from model in Models
        from kind in Kinds
        select new TestCaseData(model, kind).SetArgDisplayNames(Path.GetRelativePath(RepositoryFolder.Fixture(), model), kind);

    [TestCaseSource(nameof(Cases))]
    public void A_start_from_an_image_has_the_bits_of_one_that_packs_and_reads_no_weights(string model, string kind)
    {
        using var folder = new TemporaryFolder();
        ImageStart without;
        try
        {
            without = ImageStart.Of(model, kind);
        }
        catch (InvalidOptionException refusal) when (refusal.Option == "Cpu.Shards")
        {
            Assert.Ignore(refusal.Message);
            return;
        }

        ImageStart first = ImageStart.Of(model, kind, folder.Path);
        ImageStart second = ImageStart.Of(model, kind, folder.Path);
        int shards = kind.Contains("shards", StringComparison.Ordinal) ? 2 : 1;
        Assert.Multiple(() =>
        {
            Assert.That(without.Image, Is.Null);
            Assert.That(first.Image, Has.Property("IsUsed").False.And.Property("IsWritten").True);
            Assert.That(first.Image!.Problem, Is.EqualTo(PackedImageProblem.Missing));
            Assert.That(second.Image, Has.Property("IsUsed").True.And.Property("IsWritten").False);
            Assert.That(second.Image!.Problem, Is.EqualTo(PackedImageProblem.None));
            Assert.That(second.Image!.Bytes, Is.EqualTo(first.Image!.Bytes).And.Positive);
            Assert.That(first.Logits.LargestDifference(without.Logits), Is.Zero);
            Assert.That(second.Logits.LargestDifference(without.Logits), Is.Zero);
            Assert.That(second.Weights, Is.EqualTo(without.Weights));
            Assert.That(second.HasMapped, Is.False, "the model's files are not read through");
            Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(shards));
        });
    }

    [Test]
    public void The_image_of_other_files_or_of_other_weights_is_not_served([Values] PackedImageUse use)
    {
        Assume.That(use, Is.Not.EqualTo(PackedImageUse.Off));
        using TemporaryFolder folder = new(), model = new();
        foreach (string file in Directory.GetFiles(Models[0]))
        {
            File.Copy(file, Path.Combine(model.Path, Path.GetFileName(file)));
        }

        ImageStart int8 = ImageStart.Of(model.Path, "Int8", folder.Path, use), int4 = ImageStart.Of(model.Path, "Int4", folder.Path, use);
        string weights = Path.Combine(model.Path, "model.safetensors");
        string[] images = [.. Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal)];
        Assert.That(images, Has.Length.EqualTo(2));
        File.Copy(images[0], images[1], overwrite: true);
        ImageStart copied = ImageStart.Of(model.Path, "Int8", folder.Path, use), own = ImageStart.Of(model.Path, "Int4", folder.Path, use);
        Assert.That(copied.Image!.Problem, Is.EqualTo(PackedImageProblem.OtherModel));
        Assert.That(own.Image!.IsUsed, Is.True);
        Assert.That(copied.Logits.LargestDifference(int8.Logits), Is.Zero);
        Assert.That(own.Logits.LargestDifference(int4.Logits), Is.Zero);

        // The same bytes at another time; then other bytes at the same.
        File.SetLastWriteTimeUtc(weights, File.GetLastWriteTimeUtc(weights).AddSeconds(3));
        Assert.That(ImageStart.Of(model.Path, "Int8", folder.Path, use).Image!.Problem, Is.EqualTo(
            use == PackedImageUse.Sampled ? PackedImageProblem.OtherModel : PackedImageProblem.None));
        DateTime written = File.GetLastWriteTimeUtc(weights);
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 2;
        File.WriteAllBytes(weights, bytes);
        File.SetLastWriteTimeUtc(weights, written);
        ImageStart changed = ImageStart.Of(model.Path, "Int8", folder.Path, use);
        Assert.That(changed.Image!.Problem, Is.EqualTo(PackedImageProblem.OtherModel));
        Assert.That(changed.Logits.LargestDifference(ImageStart.Of(model.Path, "Int8").Logits), Is.Zero);
    }

    [Test]
    public void A_folder_that_cannot_be_written_costs_the_image_alone()
    {
        using var folder = new TemporaryFolder();
        var logger = new WarningList();
        ImageStart started = ImageStart.Of(Models[0], "Int4", folder.Write("file", "no folder"), logger: logger);
        Assert.That(started.Image!.WriteProblem, Does.StartWith("cannot be written"));
        Assert.That(started.Image!.IsWritten, Is.False);
        Assert.That(logger.Texts, Has.One.Contains("cannot be written"));
        Assert.That(started.Logits.LargestDifference(ImageStart.Of(Models[0], "Int4").Logits), Is.Zero);
    }

    [Test]
    public void Two_that_start_at_once_both_serve_and_leave_one_image()
    {
        using var folder = new TemporaryFolder();
        ImageStart[] both = new ImageStart[2];
        Parallel.For(0, 2, i => both[i] = ImageStart.Of(Models[2], "Int8", folder.Path));
        Assert.That(both[1].Logits.LargestDifference(both[0].Logits), Is.Zero);
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(1));
        ImageStart third = ImageStart.Of(Models[2], "Int8", folder.Path);
        Assert.That(third.Image!.IsUsed, Is.True);
        Assert.That(third.Logits.LargestDifference(both[0].Logits), Is.Zero);
    }

    [Test]
    public void An_image_lies_beside_the_model_where_no_folder_is_named()
    {
        using var model = new TemporaryFolder();
        File.Copy(Models[5], Path.Combine(model.Path, "tiny.Q4_K_M.gguf"));
        foreach (bool isUsed in (bool[])[false, true])
        {
            using var engine = new SteppedEngine(builder => builder.UseModel(model.Path)
                .UseCpu(cpu => cpu.PackedImage = PackedImageUse.Sampled));
            Assert.That(engine.Status.Backend.PackedImage!.IsUsed, Is.EqualTo(isUsed));
            Assert.That(engine.Status.Backend.PackedImage!.File, Is.EqualTo("tiny.Q4_K_M.asstored.packed"));
        }

        Assert.That(File.Exists(Path.Combine(model.Path, "tiny.Q4_K_M.asstored.packed")), Is.True);
    }
}
