using NUnit.Framework;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Names of strangers, and where they may lead.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterDirectorySourceTests
{
    [TestCase("tenant")]
    [TestCase("tenant 7")]
    [TestCase("日本語")]
    [TestCase(".hidden")]
    [TestCase("a..b")]
    [TestCase("-rf")]
    [TestCase("%2e%2e")]
    public async Task A_plain_name_is_the_folder_of_that_name(string name)
    {
        using var root = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(root.Path, name));

        Assert.That(await new AdapterDirectorySource(root.Path).FindAsync(name, default), Is.Not.Null);
    }

    [Test]
    public async Task A_folder_that_is_not_there_is_no_adapter()
    {
        using var root = new TemporaryFolder();
        root.Write("file", "no folder");

        Assert.That(await new AdapterDirectorySource(root.Path).FindAsync("tenant", default), Is.Null);
        Assert.That(await new AdapterDirectorySource(root.Path).FindAsync("file", default), Is.Null);
        Assert.That(await new AdapterDirectorySource(Path.Combine(root.Path, "missing")).FindAsync("tenant", default), Is.Null);
    }

    [TestCase("")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("../other")]
    [TestCase("a/../../other")]
    [TestCase("a/b")]
    [TestCase("a\\b")]
    [TestCase("/etc")]
    [TestCase("C:")]
    [TestCase("C:\\Windows")]
    [TestCase("\\\\server\\share")]
    [TestCase("a\0b")]
    [TestCase("a\nb")]
    [TestCase("tenant.")]
    [TestCase("tenant ")]
    [TestCase("a*")]
    public async Task Scenario_25_a_name_that_could_lead_elsewhere_is_refused(string name)
    {
        using var root = new TemporaryFolder();
        var source = new AdapterDirectorySource(Directory.CreateDirectory(Path.Combine(root.Path, "adapters")).FullName);
        Directory.CreateDirectory(Path.Combine(root.Path, "other"));

        var error = (await Assert.ThrowsAsync<AdapterLoadException>(async () => await source.FindAsync(name, default)))!;

        Assert.That(error, Has.Property("Kind").EqualTo(LoadErrorKind.File).And.Property("Adapter").EqualTo(name));
        Assert.That(error.Message, Does.Not.Contain(root.Path), "no path is told to a stranger");
    }

    [Test]
    public async Task A_name_of_any_length_is_refused_before_a_file_is_touched()
    {
        using var root = new TemporaryFolder();

        await Assert.ThatAsync(async () => await new AdapterDirectorySource(root.Path)
            .FindAsync(new string('a', 256), default), Throws.TypeOf<AdapterLoadException>());
    }

    [Test]
    public async Task Scenario_25_symbolic_links_are_refused_be_it_to_the_folder_next_door()
    {
        using var root = new TemporaryFolder();
        foreach (string name in (string[])["victim", "thief"])
        {
            Directory.CreateDirectory(Path.Combine(root.Path, name));
        }

        root.Write("victim/adapter_config.json", "{}");
        root.Write("victim/adapter_model.safetensors", "x");
        root.Write("thief/adapter_config.json", "{}");
        File.CreateSymbolicLink(Path.Combine(root.Path, "thief", "adapter_model.safetensors"), "../victim/adapter_model.safetensors");
        Directory.CreateSymbolicLink(Path.Combine(root.Path, "whole"), "victim");
        var source = new AdapterDirectorySource(root.Path);

        Assert.That(await source.FindAsync("victim", default), Is.Not.Null);
        foreach (string name in (string[])["thief", "whole"])
        {
            var error = (await Assert.ThrowsAsync<AdapterLoadException>(async () => await source.FindAsync(name, default)))!;
            Assert.That(error.Message, Does.Contain("symbolic link").And.Not.Contain(root.Path));
        }
    }

    [Test]
    public void Scenario_25_a_folder_or_a_file_that_became_a_link_after_it_was_found_is_not_followed_either()
    {
        using var root = new TemporaryFolder();
        string real = Directory.CreateDirectory(Path.Combine(root.Path, "real")).FullName,
            tenant = Directory.CreateDirectory(Path.Combine(root.Path, "tenant")).FullName;
        TestAdapter.For(TestAdapter.Model(1, 8, 8), _ => 2, _ => TensorType.F32).Write(real);
        AdapterOrigin origin = new AdapterDirectorySource(root.Path).FindAsync("tenant", default).Result!;

        File.CreateSymbolicLink(Path.Combine(tenant, "adapter_config.json"), "../real/adapter_config.json");
        Assert.That(() => origin.ToPackage("tenant").Open(default), Throws.TypeOf<FormatError>());
        File.Delete(Path.Combine(tenant, "adapter_config.json"));
        File.Copy(Path.Combine(real, "adapter_config.json"), Path.Combine(tenant, "adapter_config.json"));
        File.CreateSymbolicLink(Path.Combine(tenant, "adapter_model.safetensors"), "../real/adapter_model.safetensors");
        Assert.That(() => origin.ToPackage("tenant").Open(default), Throws.TypeOf<FormatError>());
        Directory.Delete(tenant, recursive: true);
        Directory.CreateSymbolicLink(tenant, "real");
        Assert.That(() => origin.ToPackage("tenant").Open(default), Throws.TypeOf<FormatError>());
    }

    [Test]
    public async Task The_root_of_a_file_system_can_be_the_directory()
    {
        string root = Path.GetPathRoot(TestContext.CurrentContext.WorkDirectory)!;
        string first = Path.GetRelativePath(root, TestContext.CurrentContext.WorkDirectory).Split(Path.DirectorySeparatorChar)[0];

        Assert.That(await new AdapterDirectorySource(root).FindAsync(first, default), Is.Not.Null);
        Assert.That(await new AdapterDirectorySource(root) { FollowsLinks = true }.FindAsync(first, default), Is.Not.Null);
        Assert.That(await new AdapterDirectorySource(root).FindAsync("no such folder", default), Is.Null);
    }

    [Test]
    public void What_is_inside_a_directory_is_told_for_roots_too()
    {
        char separator = Path.DirectorySeparatorChar;
        string root = $"{separator}";
        Assert.That(AdapterDirectorySource.IsInside(root, $"{root}a"), Is.True);
        Assert.That(AdapterDirectorySource.IsInside($"{root}a", $"{root}a{separator}b"), Is.True);
        Assert.That(AdapterDirectorySource.IsInside($"{root}a{separator}", $"{root}a{separator}b"), Is.True);
        Assert.That(AdapterDirectorySource.IsInside($"{root}a", $"{root}ab"), Is.False);
        Assert.That(AdapterDirectorySource.IsInside($"{root}a", $"{root}a"), Is.False);
    }

    [Test]
    public async Task A_folder_is_known_by_the_name_that_is_stored_and_by_no_other()
    {
        using var root = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(root.Path, "Bakery"));
        var source = new AdapterDirectorySource(root.Path);

        Assert.That(AdapterDirectorySource.Lists(root.Path, "Bakery"), Is.True);
        Assert.That(AdapterDirectorySource.Lists(root.Path, "bakery"), Is.False);
        Assert.That(await source.FindAsync("Bakery", default), Is.Not.Null);
        Assert.That(await source.FindAsync("bAKERY", default), Is.Null, "on every file system");
        if (OperatingSystem.IsLinux())
        {
            Directory.CreateDirectory(Path.Combine(root.Path, "bAKERY"));
            Assert.That(await source.FindAsync("Bakery", default), Is.Not.Null, "two folders");
            Assert.That(await source.FindAsync("bAKERY", default), Is.Not.Null);
        }
    }

    [Test]
    public async Task A_path_of_any_length_is_looked_for_or_refused()
    {
        using var outer = new TemporaryFolder();
        string deep = outer.Path;
        for (int i = 0; i < 4; i++)
        {
            deep = Path.Combine(deep, new string((char)('a' + i), 100));
        }

        Directory.CreateDirectory(Path.Combine(deep, new string('t', 200)));

        Assert.That(await new AdapterDirectorySource(deep)
            .FindAsync(new string('t', 200), default), Is.Not.Null, "beyond the 260 characters of old Windows");
        Assert.That(await new AdapterDirectorySource(deep + new string('x', 5000)).FindAsync("tenant", default), Is.Null);
        Assert.That(await new AdapterDirectorySource(outer.Path)
            .FindAsync(new string('語', 255), default), Is.Null, "more bytes than a name may have");
    }

    [Test]
    public async Task Scenario_25_symbolic_links_are_followed_inside_the_directory_on_demand_and_refused_when_they_leave_it()
    {
        using var outer = new TemporaryFolder();
        string root = Directory.CreateDirectory(Path.Combine(outer.Path, "adapters")).FullName;
        string secret = Directory.CreateDirectory(Path.Combine(outer.Path, "secret")).FullName;
        string real = Directory.CreateDirectory(Path.Combine(root, "real")).FullName;
        Directory.CreateDirectory(Path.Combine(root, "store", "deep"));
        outer.Write("secret/adapter_config.json", "{}");
        Link("inside", "real");
        Link("outside", secret);
        Link("upwards", "../secret");
        Link("sibling", root + "-evil");
        Link("circle", "circle");
        // "deep" leads out, so the two dots behind it go up from there: what is written is not what is opened.
        Directory.CreateSymbolicLink(Path.Combine(root, "store", "deep", "jump"), secret);
        Link("twisted", "store/deep/jump/../secret");
        Directory.CreateDirectory(root + "-evil");
        Directory.CreateDirectory(Path.Combine(root, "file"));
        File.CreateSymbolicLink(Path.Combine(root, "file", "adapter_config.json"), Path.Combine(secret, "adapter_config.json"));
        Directory.CreateDirectory(Path.Combine(root, "part"));
        File.CreateSymbolicLink(Path.Combine(root, "part", "adapter_model-00001-of-00002.safetensors"), Path.Combine(secret, "weights"));
        var source = new AdapterDirectorySource(root) { FollowsLinks = true };

        Assert.That(await source.FindAsync("inside", default), Is.Not.Null);
        Assert.That(await source.FindAsync("circle", default), Is.Null, "leads nowhere");
        foreach (string name in (string[])["outside", "upwards", "sibling", "twisted", "file", "part"])
        {
            await Assert.ThatAsync(
                async () => await source.FindAsync(name, default),
                Throws.TypeOf<AdapterLoadException>().With.Message.Contains("symbolic link"), name);
        }

        Assert.That(real, Does.Exist);

        void Link(string name, string target) => Directory.CreateSymbolicLink(Path.Combine(root, name), target);
    }

    [Test]
    public async Task The_directory_itself_may_be_reached_by_a_link()
    {
        using var outer = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(outer.Path, "adapters", "tenant"));
        Directory.CreateSymbolicLink(Path.Combine(outer.Path, "link"), "adapters");

        Assert.That(await new AdapterDirectorySource(Path.Combine(outer.Path, "link")).FindAsync("tenant", default), Is.Not.Null);
    }
}
