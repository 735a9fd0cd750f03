using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What may stand where images of packed weights are kept.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ImagePlaceTests
{
    private static readonly string Model = RepositoryFolder.Fixture("core-llama-gqa", "model");

    [Test]
    public void A_folder_in_place_of_an_image_stays_and_costs_the_image_alone()
    {
        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Path.Combine(folder.Path, first.Image!.File);
        File.Delete(path);
        Directory.CreateDirectory(Path.Combine(path, "inside"));

        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);

        Assert.Multiple(() =>
        {
            Assert.That(next.Image!.IsUsed, Is.False);
            Assert.That(next.Image!.IsWritten, Is.False);
            Assert.That(next.Image!.WriteProblem, Does.StartWith("cannot be written"));
            Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
            Assert.That(Directory.Exists(Path.Combine(path, "inside")), Is.True);
            Assert.That(Directory.GetFiles(folder.Path), Is.Empty, "nothing half written");
        });
    }

    [Test]
    public void A_link_in_place_of_an_image_is_replaced_and_what_it_leads_to_is_not([Values] bool isDangling)
    {
        using TemporaryFolder folder = new(), elsewhere = new();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Path.Combine(folder.Path, first.Image!.File), target = Path.Combine(elsewhere.Path, "precious");
        File.Delete(path);
        if (!isDangling)
        {
            File.WriteAllText(target, "precious");
        }

        Link(path, target);
        Link(Path.Combine(folder.Path, first.Image!.File + ".1.tmp"), target);

        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);

        Assert.Multiple(() =>
        {
            Assert.That(next.Image!.Problem, Is.EqualTo(isDangling ? PackedImageProblem.Missing : PackedImageProblem.Foreign));
            Assert.That(next.Image!.IsWritten, Is.True);
            Assert.That(new FileInfo(path).LinkTarget, Is.Null);
            Assert.That(File.Exists(target), Is.EqualTo(!isDangling));
            Assert.That(isDangling || File.ReadAllText(target) == "precious", Is.True);
            Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
            Assert.That(ImageStart.Of(Model, "Int8", folder.Path).Image!.IsUsed, Is.True);
        });
    }

    [Test]
    public void An_image_may_be_a_link_to_one_and_its_folder_a_link_too()
    {
        using TemporaryFolder folder = new(), elsewhere = new();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string moved = Path.Combine(elsewhere.Path, "moved");
        File.Move(Path.Combine(folder.Path, first.Image!.File), moved);
        Link(Path.Combine(folder.Path, first.Image!.File), moved);
        string link = Path.Combine(elsewhere.Path, "folder");
        Directory.CreateSymbolicLink(link, folder.Path);

        Assert.That(ImageStart.Of(Model, "Int8", link).Image!.IsUsed, Is.True);
    }

    [Test]
    public void A_device_in_place_of_an_image_is_not_read()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("Devices are files of Linux here.");
        }

        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Path.Combine(folder.Path, first.Image!.File);
        File.Delete(path);
        Link(path, "/dev/zero");

        ImageStart next = ImageStart.Of(Model, "Int8", folder.Path);

        Assert.That(next.Image!.Problem, Is.EqualTo(PackedImageProblem.Unreadable));
        Assert.That(next.Image!.IsWritten, Is.True);
        Assert.That(next.Logits.LargestDifference(first.Logits), Is.Zero);
    }

    [Test]
    public void Models_of_one_name_have_images_of_their_own_in_one_folder()
    {
        using TemporaryFolder images = new(), models = new();
        string[] folders = [Path.Combine(models.Path, "a", "model"), Path.Combine(models.Path, "b", "model")];
        foreach (string folder in folders)
        {
            Directory.CreateDirectory(folder);
            foreach (string file in Directory.GetFiles(Model))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }
        }

        string weights = Path.Combine(folders[1], "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 2;
        File.WriteAllBytes(weights, bytes);
        ImageStart[] first = [.. folders.Select(folder => ImageStart.Of(folder, "Int8", images.Path))];
        ImageStart[] next = [.. folders.Select(folder => ImageStart.Of(folder, "Int8", images.Path))];

        Assert.That(Directory.GetFiles(images.Path), Has.Length.EqualTo(2));
        for (int i = 0; i < 2; i++)
        {
            Assert.That(next[i].Image!.IsUsed, Is.True);
            Assert.That(next[i].Logits.LargestDifference(first[i].Logits), Is.Zero);
        }
    }

    [Test]
    public void An_engine_keeps_the_image_that_it_has_mapped_when_another_takes_its_place()
    {
        using var folder = new TemporaryFolder();
        ImageStart first = ImageStart.Of(Model, "Int8", folder.Path);
        string path = Path.Combine(folder.Path, first.Image!.File);
        string before = ImageStart.Of(Model, "Int8", folder.Path, replaced: () =>
        {
            string other = folder.Write("other", new byte[new FileInfo(path).Length]);
            File.Move(other, path, overwrite: true);
        }).Logits.Digest();

        Assert.That(before, Is.EqualTo(first.Logits.Digest()));
        Assert.That(ImageStart.Of(Model, "Int8", folder.Path).Image!.Problem, Is.EqualTo(PackedImageProblem.Foreign));
    }

    private static void Link(string path, string target)
    {
        try
        {
            File.CreateSymbolicLink(path, target);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            Assert.Ignore($"Links cannot be made here: {error.Message}");
        }
    }
}
