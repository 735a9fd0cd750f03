namespace SLoRA.PublicApi.Tests.Package;

/// <summary>
/// The packages, packed from a copy of the sources in a repository of its own outside this one: so no build output is shared with tests
/// that run at the same time, and there is an origin for Source Link to point to.
/// </summary>
internal sealed class PackedPackages : IDisposable
{
    public const string Origin = "https://github.com/example/slora";

    private static readonly string[] Files =
    [
        "Directory.Build.props", "Directory.Build.targets", "nuget.config", ".editorconfig", "README.md", "LICENSE",
        Path.Combine("docs", "changelog.md"),
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("slora-package-");

    private PackedPackages()
    {
    }

    /// <summary>The folder of the packages.</summary>
    public string Packages => Path.Combine(_folder.FullName, "packages");

    private string Copy => Path.Combine(_folder.FullName, "repository");

    /// <summary>The commit that they were packed from.</summary>
    public string Commit { get; private set; } = "";

    public static async Task<PackedPackages> PackAsync()
    {
        var packed = new PackedPackages();
        try
        {
            string copy = packed.Copy;
            CopySources(copy);
            await Tool.RunAsync("git", copy, "init", "-q");
            Assert.That(Path.Combine(copy, ".git"), Does.Exist.IgnoreFiles, "a repository of its own");
            await Tool.RunAsync("git", copy, "remote", "add", "origin", Origin);
            await Tool.RunAsync("git", copy, "add", "--all");
            await Tool.RunAsync("git", copy, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "Packed");
            packed.Commit = (await Tool.RunAsync("git", copy, "rev-parse", "HEAD")).Trim();
            foreach (string project in PackageInfo.Names)
            {
                await Tool.DotnetAsync(copy, "pack", Path.Combine("src", project), "-c", "Release", "-o", packed.Packages,
                    "-p:ContinuousIntegrationBuild=true");
            }

            return packed;
        }
        catch
        {
            packed.Dispose();
            throw;
        }
    }

    /// <summary>The readme of a package that is made where nothing says what address the repository has.</summary>
    public async Task<string> ReadmeWithoutOriginAsync()
    {
        await Tool.RunAsync("git", Copy, "remote", "remove", "origin");
        await Tool.DotnetAsync(Copy, "msbuild", Path.Combine("src", "SLoRA.Text"), "-t:PackReadme", "-p:Configuration=Release");
        return await File.ReadAllTextAsync(Path.Combine(Copy, "src", "SLoRA.Text", "obj", "Release", "net10.0", "package", "README.md"));
    }

    /// <summary>An empty folder beside the packages.</summary>
    public string NewFolder(string name) => _folder.CreateSubdirectory(name).FullName;

    public void Dispose()
    {
        foreach (FileInfo file in _folder.EnumerateFiles("*", SearchOption.AllDirectories))
        {
            // git writes its objects read-only, which stops some systems from deleting them.
            file.IsReadOnly = false;
        }

        _folder.Delete(recursive: true);
    }

    private static void CopySources(string target)
    {
        Directory.CreateDirectory(target);
        // By name: in a worktree .git is a file too, and a copy of it would make the commands below work on the repository itself.
        foreach (string file in Files)
        {
            string copy = Path.Combine(target, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Repository.PathOf(file), copy);
        }

        foreach (string file in Directory.EnumerateFiles(Repository.PathOf("src"), "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(Repository.Root, file);
            if (!relative.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            {
                string copy = Path.Combine(target, relative);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }
}
