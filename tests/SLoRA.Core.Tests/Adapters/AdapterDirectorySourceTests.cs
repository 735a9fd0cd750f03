using NUnit.Framework;

namespace SLoRA.Core.Tests.Adapters;

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

        await Assert.ThatAsync(async () => await new AdapterDirectorySource(root.Path).FindAsync(new string('a', 256), default), Throws.TypeOf<AdapterLoadException>());
    }

    [Test]
    public async Task Scenario_25_symbolic_links_are_followed_inside_the_directory_and_refused_when_they_leave_it()
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
        var source = new AdapterDirectorySource(root);

        Assert.That(await source.FindAsync("inside", default), Is.Not.Null);
        Assert.That(await source.FindAsync("circle", default), Is.Null, "leads nowhere");
        foreach (string name in (string[])["outside", "upwards", "sibling", "twisted", "file"])
        {
            await Assert.ThatAsync(
                async () => await source.FindAsync(name, default), Throws.TypeOf<AdapterLoadException>().With.Message.Contains("symbolic link"), name);
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
