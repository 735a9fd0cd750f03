using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using NUnit.Framework;
using SLoRA.Formats.HuggingFace;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Native;

/// <summary>Opening never waits and never reads what is no file. A test that hangs has failed.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class RegularFileTests
{
    [Test]
    public void A_file_is_read_and_one_that_is_missing_is_named_as_missing()
    {
        using var folder = new TemporaryFolder();
        using SafeFileHandle handle = RegularFile.Open(folder.Write("file", "content"));

        Assert.That(RandomAccess.GetLength(handle), Is.EqualTo(7));
        Assert.That(() => RegularFile.Open(Path.Combine(folder.Path, "nowhere")), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => RegularFile.Open(Path.Combine(folder.Path, "file", "below")), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => RegularFile.Open(Path.Combine(folder.Path, "a\0b")), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    [Platform("Linux")]
    public void What_is_no_file_is_refused_without_waiting()
    {
        using var folder = new TemporaryFolder();
        string pipe = Pipe(folder, "pipe");
        string link = Path.Combine(folder.Path, "link");
        File.CreateSymbolicLink(link, pipe);

        foreach (string path in (string[])[pipe, link, folder.Path, "/dev/zero", "/dev/null", "/dev/tty"])
        {
            Assert.That(() => RegularFile.Open(path), Throws.InstanceOf<NotSupportedException>().Or.InstanceOf<IOException>(), path);
        }
    }

    [Test]
    [Platform("Linux")]
    public void A_link_is_followed_unless_it_must_not_be()
    {
        using var folder = new TemporaryFolder();
        string link = Path.Combine(folder.Path, "link");
        File.CreateSymbolicLink(link, folder.Write("file", "content"));

        RegularFile.Open(link).Dispose();

        Assert.That(() => RegularFile.Open(link, followsLinks: false), Throws.TypeOf<NotSupportedException>());
    }

    [TestCase("config.json")]
    [TestCase("generation_config.json")]
    [TestCase("model.safetensors")]
    [TestCase("model.safetensors.index.json")]
    [Platform("Linux")]
    public async Task A_pipe_in_the_place_of_a_file_of_the_model_is_refused_by_name(string file)
    {
        using var folder = new TemporaryFolder();
        foreach (string part in Directory.GetFiles(RepositoryFolder.Fixture("core-llama-gqa", "model")))
        {
            string name = Path.GetFileName(part);
            if (name != file && !(file.EndsWith("index.json", StringComparison.Ordinal) && name == ModelFolder.WeightFile))
            {
                folder.Write(name, File.ReadAllBytes(part));
            }
        }

        Pipe(folder, file);

        ModelLoadException error =
            (await Assert.ThrowsAsync<ModelLoadException>(() => LoraServingEngine.CreateBuilder().UseModel(folder.Path).BuildAsync()))!;
        Assert.That(error.Message, Does.Contain(file).And.Contain("cannot be read"));
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.File));
    }

    private static string Pipe(TemporaryFolder folder, string name)
    {
        string path = Path.Combine(folder.Path, name);
        using Process make = Process.Start("mkfifo", [path])!;
        make.WaitForExit();
        return path;
    }
}
