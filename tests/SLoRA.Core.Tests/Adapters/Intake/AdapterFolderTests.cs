using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

internal sealed class AdapterFolderTests
{
    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(2, 8, 12);
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TemporaryFolder();
        TestAdapter.For(Targets, _ => 3, _ => TensorType.F32).Write(_folder.Path);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void What_is_missing_is_named()
    {
        Assert.That(Refused(Path.Combine(_folder.Path, "nowhere")).Message, Does.Contain("its folder does not exist"));
        Assert.That(Refused(Tensors).Message, Does.Contain("name the folder that it is in"));
        File.Delete(Tensors);
        Assert.That(Refused(_folder.Path).Message, Does.Contain("'adapter_model.safetensors' is missing"));
        File.Delete(Config);
        Assert.That(Refused(_folder.Path).Message, Does.Contain("'adapter_config.json' is missing"));
    }

    [Test]
    public void Files_beyond_the_limits_are_not_read()
    {
        long config = new FileInfo(Config).Length, tensors = new FileInfo(Tensors).Length;
        Assert.That(
            Refused(_folder.Path, new AdapterLimits { ConfigBytes = (int)config - 1 }).Message, Does.Contain("adapter_config.json"));
        Assert.That(
            Refused(_folder.Path, new AdapterLimits { FileBytes = tensors - 1 }).Message, Does.Contain("adapter_model.safetensors"));
        Assert.That(Refused(_folder.Path, new AdapterLimits { HeaderBytes = 16 }).Message, Does.Contain("header"));
        Assert.DoesNotThrow(() => AdapterDescription.Read(
            new AdapterFolder("tenant", _folder.Path, new AdapterLimits { ConfigBytes = (int)config, FileBytes = tensors }), Targets));
    }

    [Test]
    public void A_folder_in_the_place_of_a_file_is_refused()
    {
        File.Delete(Tensors);
        Directory.CreateDirectory(Tensors);
        Assert.That(Refused(_folder.Path).Kind, Is.EqualTo(LoadErrorKind.File));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void A_link_is_followed_and_a_device_or_a_broken_link_refused()
    {
        string elsewhere = Path.Combine(_folder.Path, "blob");
        File.Move(Tensors, elsewhere);
        File.CreateSymbolicLink(Tensors, elsewhere);
        Assert.DoesNotThrow(() => Read());
        File.Delete(Tensors);
        File.CreateSymbolicLink(Tensors, "/dev/zero");
        Assert.That(Refused(_folder.Path).Kind, Is.EqualTo(LoadErrorKind.File));
        File.Delete(Tensors);
        File.CreateSymbolicLink(Tensors, Tensors);
        Assert.That(Refused(_folder.Path).Kind, Is.EqualTo(LoadErrorKind.File));
    }

    [Test]
    public void A_package_that_vanished_since_registration_is_refused()
    {
        AdapterDescription description = Read();
        File.Delete(Tensors);
        Assert.That(Load(description).Kind, Is.EqualTo(LoadErrorKind.File));
        Directory.Delete(_folder.Path, recursive: true);
        Assert.That(Load(description).Message, Does.Contain("does not exist"));
        Directory.CreateDirectory(_folder.Path);
    }

    [Test]
    public void A_package_that_changed_since_registration_is_refused()
    {
        AdapterDescription description = Read();
        byte[] tensors = File.ReadAllBytes(Tensors);
        string config = File.ReadAllText(Config);

        File.WriteAllBytes(Tensors, tensors[..^4]);
        Assert.That(Load(description).Kind, Is.EqualTo(LoadErrorKind.File), "truncated");

        TestAdapter.For(Targets, _ => 4, _ => TensorType.F32).Write(_folder.Path);
        Assert.That(Load(description).Message, Does.Contain("changed"), "another rank");

        File.WriteAllBytes(Tensors, tensors);
        File.WriteAllText(Config, config.Replace("\"lora_alpha\":8", "\"lora_alpha\":9", StringComparison.Ordinal));
        Assert.That(Load(description).Message, Does.Contain("changed"), "another alpha");

        File.WriteAllText(Config, config);
        using AdapterContent content = AdapterContent.Load(description, _ => default);
        Assert.That(content.Modules, Has.Length.EqualTo(4), "as it was");
    }

    [Test]
    public void A_file_that_is_written_while_it_is_read_is_refused()
    {
        using AdapterReader reader = new AdapterFolder("tenant", _folder.Path).Open(default);
        Assert.DoesNotThrow(reader.CheckUnchanged);
        using (FileStream stream = new(Tensors, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            stream.SetLength(stream.Length - 8);
        }

        Assert.Throws<FormatError>(reader.CheckUnchanged);
        byte[] last = new byte[reader.Tensors[^1].Length];
        var error = Assert.Throws<FormatError>(() => reader.Read(reader.Tensors[^1], 0, last))!;
        Assert.That(error.Message, Does.Contain("became shorter"));
    }

    private string Tensors => Path.Combine(_folder.Path, "adapter_model.safetensors");

    private string Config => Path.Combine(_folder.Path, "adapter_config.json");

    private AdapterDescription Read() => AdapterDescription.Read(new AdapterFolder("tenant", _folder.Path), Targets);

    private static AdapterLoadException Refused(string path, AdapterLimits? limits = null)
    {
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(new AdapterFolder("tenant", path, limits), Targets))!;
        Assert.That(error.Code, Is.EqualTo("adapter.file"));
        return error;
    }

    private static AdapterLoadException Load(AdapterDescription description) =>
        Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, _ => default))!;
}
