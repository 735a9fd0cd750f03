using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Formats;
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

    [Test]
    public void Tensors_in_several_files_with_an_index_are_the_adapter_that_they_are_in_one()
    {
        TestAdapter adapter = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32);
        using var whole = new TemporaryFolder();
        using var parts = new TemporaryFolder();
        adapter.Write(whole.Path);
        Split(adapter, parts, (_, at) => $"adapter_model-0000{(at % 3) + 1}-of-00003.safetensors");

        using AdapterContent one = Load(whole), several = Load(parts);
        Assert.That(several.Id, Is.EqualTo(one.Id));

        static AdapterContent Load(TemporaryFolder folder) =>
            AdapterContent.Load(AdapterDescription.Read(new AdapterFolder("tenant", folder.Path), Targets), _ => default);
    }

    [TestCase("../outside.safetensors", "'../outside.safetensors'", LoadErrorKind.File)]
    [TestCase("gone.safetensors", "gone.safetensors", LoadErrorKind.File)]
    [TestCase("adapter_model.bin", "adapter_model.bin", LoadErrorKind.File)]
    [TestCase("b.safetensors", "where the index", LoadErrorKind.Tensor)]
    public void An_index_that_does_not_fit_its_files_is_refused(string file, string mention, LoadErrorKind kind)
    {
        TestAdapter adapter = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32);
        using var folder = new TemporaryFolder();
        Split(adapter, folder, (_, at) => at == 0 ? "a.safetensors" : "b.safetensors");
        string index = Path.Combine(folder.Path, "adapter_model.safetensors.index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("a.safetensors", file, StringComparison.Ordinal));

        var error = Assert.Throws<AdapterLoadException>(
            () => AdapterDescription.Read(new AdapterFolder("tenant", folder.Path), Targets))!;
        Assert.That(error.Kind, Is.EqualTo(kind));
        Assert.That(error.Message, Does.Contain(mention.Trim('\'')));
    }

    [Test]
    public void A_part_that_changes_after_its_headers_were_read_is_noticed()
    {
        TestAdapter adapter = TestAdapter.For(Targets, _ => 2, _ => TensorType.F32);
        using var folder = new TemporaryFolder();
        Split(adapter, folder, (_, at) => at == 0 ? "a.safetensors" : "b.safetensors");
        var package = new AdapterFolder("tenant", folder.Path);
        AdapterDescription description = AdapterDescription.Read(package, Targets);
        byte[] changed = File.ReadAllBytes(Path.Combine(folder.Path, "b.safetensors"));
        changed[^1] ^= 1;
        folder.Write("b.safetensors", changed);
        File.SetLastWriteTimeUtc(Path.Combine(folder.Path, "b.safetensors"), DateTime.UnixEpoch.AddYears(80));

        Assert.That(package.Look(), Is.Not.EqualTo(description.Stamp));
    }

    private static void Split(TestAdapter adapter, TemporaryFolder folder, Func<string, int, string> fileOf)
    {
        folder.Write("adapter_config.json", adapter.Config.ToJsonString());
        (string Name, string File)[] places = [.. adapter.Tensors.Select((tensor, at) => (tensor.Name, fileOf(tensor.Name, at)))];
        foreach (IGrouping<string, (string Name, string File)> file in places.GroupBy(place => place.File))
        {
            folder.Write(file.Key, SafetensorsWriter.Write(
                adapter.Tensors.Where(tensor => file.Any(place => place.Name == tensor.Name))));
        }

        var map = new System.Text.Json.Nodes.JsonObject();
        foreach ((string name, string file) in places)
        {
            map[name] = file;
        }

        folder.Write("adapter_model.safetensors.index.json",
            new System.Text.Json.Nodes.JsonObject { ["weight_map"] = map }.ToJsonString());
    }
}
